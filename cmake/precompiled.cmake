# Headers of the standard library take a third of a source file's time. clang reads them once for a build with SAMARA_UNITS.
# A build without units (preset dev) and g++ read each header where it is included, so that none is missing in a file.
set(samara_precompiles OFF)
if(SAMARA_UNITS AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(samara_precompiles ON)
endif()

# samara_precompiled_header(NAME HEADER OPTION…): the compiled form of a header, for sources that are compiled with these options.
function(samara_precompiled_header name header)
  if(NOT samara_precompiles)
    return()
  endif()
  set_source_files_properties(${CMAKE_SOURCE_DIR}/${header} PROPERTIES LANGUAGE CXX)
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/${header})
  # Without the times of the headers, which a compiler cache cannot know, it is the same in each clone.
  target_compile_options(${name} PRIVATE -x c++-header "SHELL:-Xclang -fno-pch-timestamp" -fpch-instantiate-templates ${ARGN})
endfunction()

# samara_use_precompiled(TARGET NAME): the sources of a target begin with a compiled header: NAME, or where a source is compiled
# for size NAME-cold. Its path is a relative one, for the sake of the compiler cache.
function(samara_use_precompiled target name)
  if(NOT samara_precompiles)
    return()
  endif()
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    if(NOT source MATCHES "[.]cpp$")
      continue()
    endif()
    get_source_file_property(options ${source} COMPILE_OPTIONS)
    set(owner ${name})
    if(NOT options)
      set(options "")
    elseif(options STREQUAL "-Oz")
      set(owner ${name}-cold)
    endif()
    get_target_property(header ${owner} SOURCES)
    get_target_property(folder ${owner} BINARY_DIR)
    get_target_property(source_folder ${owner} SOURCE_DIR)
    cmake_path(RELATIVE_PATH header BASE_DIRECTORY ${source_folder})
    set(compiled ${folder}/CMakeFiles/${owner}.dir/${header}.o)
    cmake_path(RELATIVE_PATH compiled BASE_DIRECTORY ${CMAKE_BINARY_DIR} OUTPUT_VARIABLE relative)
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${options};-include-pch;${relative}" OBJECT_DEPENDS ${compiled})
  endforeach()
endfunction()

samara_precompiled_header(standard-headers cmake/standard_headers.h)
samara_precompiled_header(standard-headers-cold cmake/standard_headers.h -Oz)
