# SPDX-License-Identifier: MIT
# The drop-in module ftorch installed: isthmus::ftorch and isthmus-ftorch.pc. Under the
# names that FTorch's own users ask for, FTorch::ftorch and ftorch.pc, it is a component by
# itself, part of a whole installation if ISTHMUS_FTORCH_PACKAGE says so.
install(TARGETS isthmus_ftorch EXPORT isthmus-targets ARCHIVE DESTINATION ${library_dir})
install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/fortran/ftorch/modules/
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/isthmus/ftorch
  FILES_MATCHING PATTERN "*.mod")

foreach(pc_name isthmus-ftorch ftorch)
  configure_file(cmake/isthmus-ftorch.pc.in ${CMAKE_CURRENT_BINARY_DIR}/${pc_name}.pc @ONLY)
endforeach()
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/isthmus-ftorch.pc
  DESTINATION ${library_dir}/pkgconfig)

configure_package_config_file(cmake/FTorchConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/FTorchConfig.cmake
  INSTALL_DESTINATION ${library_dir}/cmake/FTorch)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/FTorchConfigVersion.cmake
  VERSION 1.1.0 COMPATIBILITY SameMajorVersion) # the FTorch whose names these are
set(package_part COMPONENT ftorch_package)
if(NOT ISTHMUS_FTORCH_PACKAGE)
  list(APPEND package_part EXCLUDE_FROM_ALL)
endif()
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/FTorchConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/FTorchConfigVersion.cmake
  DESTINATION ${library_dir}/cmake/FTorch ${package_part})
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ftorch.pc
  DESTINATION ${library_dir}/pkgconfig ${package_part})
