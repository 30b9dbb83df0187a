# SPDX-License-Identifier: MIT
"""Grid files of `isthmus-shallow-water`: what is read, what is refused, land and water."""

import netCDF4
import numpy as np
from shallow_water_runs import (
    DX,
    EXACT,
    FROM_FILE,
    NX,
    NY,
    SOLVER_ERROR,
    GridFile,
    fails,
    namelist,
    read,
    refuses_grid,
    run,
    write_initial,
)


def test_a_grid_file_gives_the_fields_of_the_box(folder):
    # A basin with land around it is the box of its water.
    grid = GridFile(NX + 2, NY + 2)
    grid.write(folder / "grid.nc")
    assert run(folder, namelist(solver=EXACT))[0] == 0
    box = read(folder / "out.nc", "zeta")
    with netCDF4.Dataset(folder / "initial.nc", "a") as data:
        inner = data["zeta"][:]
    (folder / "initial.nc").unlink()
    write_initial(folder / "initial.nc", NX + 2, NY + 2)
    with netCDF4.Dataset(folder / "initial.nc", "a") as data:
        data["zeta"][:] = np.pad(inner, 1)
    assert run(folder, namelist(dict(FROM_FILE), solver=EXACT))[0] == 0
    filed = read(folder / "out.nc", "zeta")
    np.testing.assert_allclose(filed[:, 1:-1, 1:-1], box, rtol=0, atol=SOLVER_ERROR)
    assert np.isnan(filed[:, 0]).all()


def test_elevation_must_say_that_it_is_positive_up(folder):
    grid = GridFile()
    grid.depth = -grid.depth
    grid.names["depth"] = "elevation"
    grid.attributes = {}
    refuses_grid(folder, grid, "'elevation'", "positive = 'up'")
    grid.attributes = {"positive": "up"}
    grid.write(folder / "grid.nc")
    assert run(folder, namelist(dict(FROM_FILE))) == (0, "")
    assert np.nanmax(read(folder / "out.nc", "depth")) == 40.0


def test_depth_that_is_not_what_it_must_be_is_refused(folder):
    grid = GridFile()
    grid.depth[5, 7] = np.nan
    refuses_grid(folder, grid, "'depth' in column 8, row 6", "'mask'")
    grid = GridFile()
    grid.units["depth"] = "cm"
    refuses_grid(folder, grid, "'depth' in 'cm', expected 'm'")
    del grid.units["depth"]
    refuses_grid(folder, grid, "units of 'depth'")
    grid = GridFile()
    grid.attributes = {"positive": "up"}
    refuses_grid(folder, grid, "positive = 'up', expected 'down'")
    grid = GridFile()
    grid.is_transposed = True
    refuses_grid(folder, grid, "'depth' transposed", "(x, y)", "(y, x)")
    grid = GridFile()
    grid.without = ("depth",)
    refuses_grid(folder, grid, "no variable 'depth'", "'mask'")
    grid = GridFile()
    grid.depth = -grid.depth
    grid.mask = None
    refuses_grid(folder, grid, "positive down")


def test_packed_depths_are_unpacked_and_absurd_ones_refused(folder):
    grid = GridFile()
    grid.write(folder / "grid.nc")
    with netCDF4.Dataset(folder / "grid.nc", "a") as data:
        data.set_auto_maskandscale(False)
        data["depth"][:] = np.where(grid.mask > 0, 500.0, -1.0)
        data["depth"].setncatts({"scale_factor": 0.1, "add_offset": -10.0})
    assert run(folder, namelist(dict(FROM_FILE))) == (0, "")
    assert np.nanmax(read(folder / "out.nc", "depth")) == 40.0
    (folder / "out.nc").unlink()
    grid.depth = 1000 * grid.depth
    refuses_grid(folder, grid, "'depth' down to 40000.0 m", "metres?")


def test_coordinates_that_make_no_grid_are_refused(folder):
    grid = GridFile()
    grid.without = ("x",)
    refuses_grid(folder, grid, "no variable 'x'")
    grid = GridFile()
    grid.units["x"] = "km"
    refuses_grid(folder, grid, "'x' in 'km', expected 'm'")
    grid = GridFile()
    grid.x[3] += 0.1 * DX
    refuses_grid(folder, grid, "'x'", "even steps")
    grid = GridFile()
    grid.y = grid.y[::-1]
    refuses_grid(folder, grid, "'y' decreasing")
    refuses_grid(folder, GridFile(), "projection = 'sphere'", projection="sphere")


def test_masks_and_open_boundaries_are_checked(folder):
    grid = GridFile()
    grid.mask[4, 4] = 2
    refuses_grid(folder, grid, "'mask' = 2", "column 5, row 5")
    grid = GridFile()
    grid.mask[:] = 0
    grid.write(folder / "grid.nc")
    fails(folder, namelist(dict(FROM_FILE)), 1, "no water")
    grid = GridFile()
    grid.more["cell"] = grid.mask.copy()
    grid.more["cell"][:, 0] = 2
    refuses_grid(folder, grid, "open boundary on land", "column 1, row 1")


def test_water_cut_off_is_refused_filled_or_kept(folder):
    grid = GridFile()
    grid.mask[:, 16] = 0
    grid.write(folder / "grid.nc")
    fails(
        folder, namelist(dict(FROM_FILE)), 1, "2 parts", "210 cells", "84 cells", "'fill'"
    )
    for islands, n_water in (("fill", 210), ("keep", 294)):
        settings = namelist({**FROM_FILE, "islands": islands})
        assert run(folder, settings) == (0, "")
        assert (read(folder / "out.nc", "cell") == 1).sum() == n_water


def test_a_grid_of_degrees_is_a_sphere(folder):
    grid = GridFile()
    grid.names = {"depth": "depth", "x": "lon", "y": "lat"}
    grid.units = {"depth": "m", "lon": "degrees_east", "lat": "degrees_north"}
    grid.units |= {"x": "degrees_east", "y": "degrees_north"}
    grid.x = 350 + 0.05 * np.arange(NX)
    grid.y = 54 + 0.03 * np.arange(NY)
    grid.write(folder / "grid.nc")
    assert run(folder, namelist({"file": "grid.nc"})) == (0, "")
    with netCDF4.Dataset(folder / "out.nc") as data:
        assert data["x"].standard_name == "longitude"
        assert data["y_v"].units == "degrees_north"
    grid.units["y"] = "m"
    (folder / "out.nc").unlink()
    refuses_grid(folder, grid, "'lat' in 'm', expected 'degrees_north'")


def test_land_floods_and_dries_without_negative_depth(folder):
    grid = GridFile()
    slope = np.linspace(20.0, -2.0, NX)
    grid.depth = np.where(grid.mask > 0, slope[None, :], np.nan)
    grid.write(folder / "grid.nc")
    physics = {
        "wetting": "newton",
        "face_depth": "upwind",
        "advection": "upwind",
        "thin_depth": 0.1,
    }
    steps = {"dt": 60.0, "n_steps": 200, "max_advective": 10.0}
    settings = namelist(dict(FROM_FILE), physics=physics, integration=steps)
    assert run(folder, settings) == (0, "")
    depth = read(folder / "out.nc", "depth") + read(folder / "out.nc", "zeta")
    assert np.nanmin(depth) >= -1e-12
    n_wet = (depth > 1e-3).sum(axis=(1, 2))
    assert n_wet.max() > n_wet[0]
    fails_at = namelist(dict(FROM_FILE), physics={"wetting": "newton"})
    (folder / "out.nc").unlink()
    fails(folder, fails_at, 2, "'wetting' = 'newton' needs 'face_depth' = 'upwind'")
