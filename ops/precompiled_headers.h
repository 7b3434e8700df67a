// The sources of the command begin with these headers where a build compiles them once (cmake/precompiled.cmake).
#pragma once

#include <yaml-cpp/yaml.h>

#include <CLI/CLI.hpp>
