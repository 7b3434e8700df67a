// What the command's exit status means to a script (sysexits.h numbers).
#pragma once

namespace samara::ops {

enum class ExitCode : int {
  good = 0,
  differs = 1,       // `zone diff --exit-code`: the two are not the same
  usage = 64,        // the command line is wrong
  bad_data = 65,     // a file the user named is wrong or cannot be read
  unavailable = 69,  // something we need from elsewhere is not there: the image, a free port
  our_bug = 70,
  no_permission = 77,  // the system does not let us
};

}  // namespace samara::ops
