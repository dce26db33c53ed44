# What is installed of libvsoa: component `headers` (enough for plugins), `runtime` (what programs load)
# and `development` (the rest). All paths are relative, so the folder may be moved.
include(CMakePackageConfigHelpers)

set(vsoa_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/vsoa)
set(vsoa_templates ${PROJECT_SOURCE_DIR}/packaging/cmake)

install(DIRECTORY include/vsoa TYPE INCLUDE COMPONENT headers FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")
install(TARGETS vsoa_shared EXPORT vsoa_shared_targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development)
install(TARGETS vsoa EXPORT vsoa_static_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)

# Two files, as only the archive's users need the packages that it is built upon.
install(EXPORT vsoa_shared_targets FILE vsoa-targets.cmake NAMESPACE vsoa:: DESTINATION ${vsoa_cmake_dir}
  COMPONENT development)
install(EXPORT vsoa_static_targets FILE vsoa-static-targets.cmake NAMESPACE vsoa:: DESTINATION ${vsoa_cmake_dir}
  COMPONENT development)
configure_package_config_file(${vsoa_templates}/vsoa-config.cmake.in vsoa-config.cmake
  INSTALL_DESTINATION ${vsoa_cmake_dir})
# Before 1.0 a minor version may break what uses it.
write_basic_package_version_file(vsoa-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vsoa-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/vsoa-config-version.cmake
  DESTINATION ${vsoa_cmake_dir} COMPONENT development)

file(RELATIVE_PATH vsoa_pc_prefix /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${vsoa_templates}/vsoa.pc.in vsoa.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vsoa.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT development)

install(DIRECTORY examples DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/vsoa COMPONENT development)
