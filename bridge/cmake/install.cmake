# SPDX-License-Identifier: MIT
# Headers, libraries, Fortran modules, and what CMake and pkg-config users need to find
# them. A wheel takes the library only: its users come from Python.
if(SKBUILD)
  install(TARGETS isthmus LIBRARY DESTINATION ${library_dir} NAMELINK_SKIP)
  return()
endif()

include(CMakePackageConfigHelpers)
set(package_dir ${library_dir}/cmake/isthmus)

install(TARGETS isthmus EXPORT isthmus-targets LIBRARY DESTINATION ${library_dir})
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
if(TARGET isthmus_fortran)
  install(TARGETS isthmus_fortran EXPORT isthmus-targets ARCHIVE DESTINATION ${library_dir})
  install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/fortran/modules/
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/isthmus
    FILES_MATCHING PATTERN "*.mod")
endif()
# Relative to the .pc files, so that an installation can be moved.
file(RELATIVE_PATH prefix_from_pc
  ${CMAKE_INSTALL_PREFIX}/${library_dir}/pkgconfig ${CMAKE_INSTALL_PREFIX})
if(TARGET isthmus_ftorch)
  include(cmake/ftorch.cmake)
endif()
install(EXPORT isthmus-targets NAMESPACE isthmus:: DESTINATION ${package_dir})

configure_package_config_file(cmake/isthmus-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/isthmus-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/isthmus-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/isthmus-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/isthmus-config-version.cmake
  DESTINATION ${package_dir})

set(package_names isthmus)
if(TARGET isthmus_fortran)
  list(APPEND package_names isthmus-fortran)
endif()
foreach(name IN LISTS package_names)
  configure_file(cmake/${name}.pc.in ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc
    DESTINATION ${library_dir}/pkgconfig)
endforeach()
