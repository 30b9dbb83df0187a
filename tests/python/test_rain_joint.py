# SPDX-License-Identifier: MIT
"""Rain networks trained in columns and boxes at once: each part is what it is alone."""

import pytest
import torch

from isthmus.learn import Curriculum, FitSettings
from isthmus.learn.rain import RainWindows, measures, moment_scale
from isthmus.learn.rain_column import ColumnWindows, RainShafts, column_scale
from isthmus.learn.rain_joint import (
    JointMeasures,
    JointRollout,
    JointStep,
    JointWindows,
    beyond_boxes,
    imitate,
    train_jointly,
)
from isthmus.models import RainBulk
from isthmus.nets.rain import RainNet, RainStep, SeifertBeheng
from isthmus.nets.rain_column import RainColumn, ShaftGeometry

ROUNDING = 1e-12
GEOMETRY = ShaftGeometry(levels=8, dz=300.0, cloud_base=500.0, updraft_every=0.0)
LENGTH, N_TIMES = 10, 70
WEIGHT = 4.0


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def shafts():
    """Two columns of the published scheme."""
    column = RainColumn(SeifertBeheng(), GEOMETRY)
    updrafts = GEOMETRY.updrafts(torch.tensor([2.0, 4.0]), N_TIMES)
    states = [column.start(torch.tensor([13e-6, 14e-6]).double(), torch.ones(2).double())]
    for updraft in updrafts[:-1]:
        states.append(column(states[-1], updraft))
    return RainShafts(torch.stack(states), updrafts, GEOMETRY)


@pytest.fixture(scope="module")
def boxes():
    """States [time, cell, 7] of the published scheme."""
    model = RainBulk()
    start = model.initial_state(
        [1e-3, 1.5e-3, 2e-3], [13e-6, 14e-6, 12e-6], [0.0, 1.0, 2.0]
    )
    return torch.from_numpy(model.run(start, 20.0, n_steps=N_TIMES - 1))


def joint(shafts, boxes, net):
    units = column_scale(shafts.states), moment_scale(boxes)
    step = JointStep(RainColumn(net, GEOMETRY)).double()
    judged = JointMeasures(step.width, *units, WEIGHT)
    windows = JointWindows(
        ColumnWindows(shafts, units[0], every=20), RainWindows(boxes, units[1]), judged
    )
    return JointRollout(step, judged), windows


def test_columns_and_boxes_do_not_see_each_other(shafts, boxes):
    torch.manual_seed(0)
    net = RainNet("column", width=8, depth=1).double()
    torch.nn.init.normal_(net.layers[-1].weight, std=0.3)
    rollout, windows = joint(shafts, boxes, net)
    (state, updraft), _ = windows.batch(torch.arange(4), LENGTH)
    width = rollout.step.width
    alone, box = state[:, :width], state[:, width:].reshape(-1, 7)
    whole = state
    column, boxed = RainColumn(net, GEOMETRY).double(), RainStep(net, 20.0)
    for i in range(LENGTH):
        whole, alone, box = (
            rollout(whole, updraft[i]),
            column(alone, updraft[i]),
            boxed(box),
        )
    torch.testing.assert_close(whole[:, :width], alone, rtol=ROUNDING, atol=0.0)
    torch.testing.assert_close(
        whole[:, width:].reshape(-1, 7), box, rtol=ROUNDING, atol=0.0
    )


def test_errors_of_boxes_weigh_as_asked(shafts, boxes):
    rollout, windows = joint(shafts, boxes, RainNet("column", width=8, depth=1))
    (state, _), target = windows.batch(torch.arange(4), LENGTH)
    n_column = 6 * GEOMETRY.levels + 4
    shifted = state.clone()
    shifted[:, rollout.step.width :] *= 1.01
    difference = rollout.measured(shifted) - rollout.measured(state)
    assert bool((difference[:, :n_column] == 0.0).all()) and target.shape[0] == LENGTH
    unit = moment_scale(boxes)
    both = [v[:, rollout.step.width :].reshape(-1, 7) for v in (shifted, state)]
    plain = (measures(both[0], unit) - measures(both[1], unit)).square().mean()
    found = difference.square().sum() / len(difference) / n_column
    torch.testing.assert_close(found, WEIGHT * plain, rtol=1e-9, atol=0.0)


def test_old_rain_in_new_cloud_is_like_no_box(boxes):
    cells = boxes[::3].flatten(0, 1)
    young = cells[cells[:, 2] > 1e-6]
    old = young.clone()
    old[:, 2:4] *= torch.tensor([1e-3, 1e-7])  # little rain of large drops
    assert len(beyond_boxes(cells, old)) == len(old)
    assert len(beyond_boxes(cells, young)) <= 0.05 * len(young)


def test_imitation_then_training_lowers_the_error(shafts, boxes):
    torch.manual_seed(0)
    net = RainNet("column", width=8, depth=1)
    cells = boxes.flatten(0, 1)
    error = imitate(net, SeifertBeheng(), cells, cells[:1], n_updates=100)
    assert error < imitate(
        RainNet("column", width=8, depth=1), SeifertBeheng(), cells, cells[:1], n_updates=1
    )
    history = train_jointly(
        (shafts, shafts),
        (boxes, boxes),
        net,
        curriculum=Curriculum((8,), (6,)),
        settings=FitSettings(batch_size=16, learning_rate=1e-2, evaluate_every=1),
        progress=False,
    )
    assert history.best < history.evaluations[0].valid_loss
