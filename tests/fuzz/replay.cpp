// Runs a fuzz target once over each file of the folders named as arguments: seeds and past findings stay tested in builds
// without libFuzzer. An input that takes ten seconds of the processor has found a loop, and the program ends by SIGPROF.
#include <sys/time.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  int count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
      const std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
      constexpr itimerval limit{.it_interval = {}, .it_value = {.tv_sec = 10, .tv_usec = 0}};
      setitimer(ITIMER_PROF, &limit, nullptr);
      LLVMFuzzerTestOneInput(input.data(), input.size());
      ++count;
    }
  }
  std::printf("%d seeds replayed\n", count);
  return count > 0 ? 0 : 1;
}
