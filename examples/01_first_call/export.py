# SPDX-License-Identifier: MIT
"""Make the network of the first call: four numbers in, two out, for any number of rows."""

import torch
from torch import nn

torch.manual_seed(1)
network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2)).double()
torch.jit.script(network.eval()).save("network.pt")
