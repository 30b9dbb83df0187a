# SPDX-License-Identifier: MIT
"""Call a PyTorch network on arrays of NumPy by the same library: first_call.py [FILE]."""

import sys

import numpy as np

from isthmus.bridge import Model

x = 0.1 * np.arange(1.0, 13.0).reshape(3, 4)
y = np.empty((3, 2))

model = Model(sys.argv[1] if len(sys.argv) > 1 else "network.pt")
model.bind_input("input", x)  # bound once; from here on the network reads x
model.bind_output("output_0", y)
model.run()

for row in y:
    print(f"{row[0]:18.14f}{row[1]:18.14f}")
