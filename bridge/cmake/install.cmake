# SPDX-License-Identifier: MIT
# Headers, libraries, Fortran modules, and what CMake and pkg-config users need to find them.
include(CMakePackageConfigHelpers)
