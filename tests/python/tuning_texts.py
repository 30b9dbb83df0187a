# SPDX-License-Identifier: MIT
"""Texts of `isthmus tune` that several tests run."""

CHANNEL = """
[model]
kind = "shallow_water"
n_x = 12

[window]
n_steps = 20
every_step = 4
every_site = 6
sd = 0.02
n_stages = 1

[[parameter]]
name = "drag_1"
background = 0.003
sd = 0.5
scale = "log"

[[parameter]]
name = "drag_2"
background = 0.003
sd = 0.5
scale = "log"
"""
