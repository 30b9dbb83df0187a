// SPDX-License-Identifier: MIT
// What a call costs, by every way there is to make it: isthmus.h, the engines alone, loops
// by hand. All ways of a case take turns, round after round, on one thread; CPU time of the
// thread counts, as others share the machine. `bench_bridge FOLDER [ROUNDS]` prints a line
// of JSON per case; bench_bridge.py exports the networks, runs it and writes the table.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <map>
#include <new>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "bench_callers.hpp"
#include "isthmus.h"

namespace {

// Heap allocations of the whole process, by the operators every C++ allocation goes
// through.
long n_allocations = 0;

constexpr double sample_seconds = 3e-4; // one sample: that long, or one call
constexpr double case_seconds = 12;     // of all ways together
constexpr long n_steady = 1000000;      // calls over which memory must not grow
constexpr double agreement = 2e-4;      // of results, relative to their largest

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

long page_faults() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt;
}

struct Way {
  std::string name;
  bench::Call call;
  long n_calls = 1;
  std::vector<double> seconds;
  double allocations = 0, faults = 0; // per call
};

/// The first calls of short ones do not count: they find the code and the weights of the
/// way before in the caches, and who follows a relative would be the faster for it.
void sample(Way &way) {
  for (long i = 0; i < std::min(3L, way.n_calls - 1); ++i)
    way.call();
  const long allocations = n_allocations, faults = page_faults();
  const double start = cpu_seconds();
  for (long i = 0; i < way.n_calls; ++i)
    way.call();
  const double spent = cpu_seconds() - start;
  const auto n = static_cast<double>(way.n_calls);
  way.allocations = static_cast<double>(n_allocations - allocations) / n;
  way.faults = static_cast<double>(page_faults() - faults) / n;
  way.seconds.push_back(spent / n);
}

void warm_up(Way &way) {
  for (int i = 0; i < 3; ++i)
    way.call();
  sample(way);
  way.n_calls = std::max(1L, std::lround(sample_seconds / way.seconds.back()));
  way.seconds.clear();
}

void print(const std::string &name, std::vector<Way> &ways) {
  std::printf("{\"case\": \"%s\", \"ways\": {", name.c_str());
  for (std::size_t i = 0; i < ways.size(); ++i) {
    std::vector<double> &s = ways[i].seconds;
    std::sort(s.begin(), s.end());
    std::printf("%s\"%s\": {\"min\": %.4g, \"median\": %.4g, \"allocations\": %.4g, "
                "\"faults\": %.4g}",
                i ? ", " : "", ways[i].name.c_str(), 1e6 * s.front(), 1e6 * s[s.size() / 2],
                ways[i].allocations, ways[i].faults);
  }
  std::printf("}}\n");
  std::fflush(stdout);
}

/// All ways must give the same numbers, or their times mean nothing.
void check_agreement(const std::string &name, std::vector<Way> &ways,
                     std::vector<float> &y) {
  std::vector<float> first;
  for (Way &way : ways) {
    if (way.name == "sgemm")
      continue;
    std::fill(y.begin(), y.end(), 0.0F);
    way.call();
    if (first.empty())
      first = y;
    float largest = 0, apart = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      largest = std::max(largest, std::fabs(first[i]));
      apart = std::max(apart, std::fabs(first[i] - y[i]));
    }
    if (!(apart <= agreement * largest)) {
      std::fprintf(stderr, "%s: %s is %g from %s\n", name.c_str(), way.name.c_str(), apart,
                   ways.front().name.c_str());
      std::exit(1);
    }
  }
}

void measure(const std::string &name, std::vector<Way> &ways, bench::Problem &problem,
             int n_rounds) {
  check_agreement(name, ways, problem.y);
  for (Way &way : ways)
    warm_up(way);
  const double start = cpu_seconds();
  for (int round = 0; round < n_rounds; ++round) {
    for (Way &way : ways)
      sample(way);
    if (round >= 4 && cpu_seconds() - start > case_seconds)
      break;
  }
  print(name, ways);
}

/// 10-64-64-10 by hand for one sample; weights as torch has them, [out, in].
struct HandMlp {
  std::vector<float> w1, b1, w2, b2, w3, b3;

  static std::vector<float> read(std::FILE *file, std::size_t n) {
    std::vector<float> values(n);
    if (std::fread(values.data(), sizeof(float), n, file) != n)
      std::exit(1);
    return values;
  }
  /// Transposed, so that the inner loop runs over outputs.
  static std::vector<float> weights(std::FILE *file, int n_out, int n_in) {
    const std::vector<float> w = read(file, static_cast<std::size_t>(n_out * n_in));
    std::vector<float> turned(w.size());
    for (int i = 0; i < n_out; ++i)
      for (int k = 0; k < n_in; ++k)
        turned[k * n_out + i] = w[i * n_in + k];
    return turned;
  }
  explicit HandMlp(const std::string &path) {
    std::FILE *file = std::fopen(path.c_str(), "rb");
    if (!file)
      std::exit(1);
    w1 = weights(file, 64, 10), b1 = read(file, 64);
    w2 = weights(file, 64, 64), b2 = read(file, 64);
    w3 = weights(file, 10, 64), b3 = read(file, 10);
    std::fclose(file);
  }

  template <int n_in, int n_out>
  static void layer(const float *w, const float *b, const float *x, float *y) {
    float sum[n_out];
    for (int i = 0; i < n_out; ++i)
      sum[i] = b[i];
    for (int k = 0; k < n_in; ++k)
      for (int i = 0; i < n_out; ++i)
        sum[i] += w[k * n_out + i] * x[k];
    for (int i = 0; i < n_out; ++i)
      y[i] = sum[i];
  }
  template <int n> static void relu(float *x) {
    for (int i = 0; i < n; ++i)
      x[i] = x[i] > 0 ? x[i] : 0;
  }
  void run(const float *x, float *y, std::int64_t n) const {
    float h1[64], h2[64];
    for (std::int64_t sample = 0; sample < n; ++sample, x += 10, y += 10) {
      layer<10, 64>(w1.data(), b1.data(), x, h1);
      relu<64>(h1);
      layer<64, 64>(w2.data(), b2.data(), h1, h2);
      relu<64>(h2);
      layer<64, 10>(w3.data(), b3.data(), h2, y);
    }
  }
};

class Bench {
public:
  Bench(std::string folder, int n_rounds)
      : folder_(std::move(folder)), n_rounds_(n_rounds) {}

  void elementwise(const std::string &name, const std::string &output) {
    bench::Problem problem({40}, {40}, output);
    std::vector<Way> ways = engines(name, problem);
    const float shift = name == "add_one" ? 1.0F : 0.0F;
    ways.push_back({"loops", [&] {
                      for (std::size_t i = 0; i < problem.x.size(); ++i)
                        problem.y[i] = problem.x[i] + shift;
                      __asm__ volatile("" ::: "memory"); // else it runs once
                    }});
    measure(name, ways, problem, n_rounds_);
  }

  void mlp(const std::string &name, std::int64_t batch, bool by_hand) {
    bench::Problem problem({batch, 10}, {batch, 10}, "y");
    std::vector<Way> ways = engines(name, problem);
    const HandMlp *hand = nullptr;
    if (by_hand) {
      hand = new HandMlp(folder_ + "/" + name + ".weights");
      ways.push_back({"loops", [&problem, hand, batch] {
                        hand->run(problem.x.data(), problem.y.data(), batch);
                      }});
    } else {
      ways.push_back({"sgemm", sgemm()});
    }
    measure(name + " " + std::to_string(batch), ways, problem, n_rounds_);
    delete hand;
  }

  void ring(const std::string &name, std::int64_t batch) {
    bench::Problem problem({batch, 40}, {batch, 40}, "b");
    std::vector<Way> ways = engines(name, problem);
    measure(name + " " + std::to_string(batch), ways, problem, n_rounds_);
  }

  void load_times(const std::string &name) {
    for (const std::string end : {".pt", ".pt2"}) {
      const std::string file = folder_ + "/" + name + end;
      const double first = bench::seconds_to_load(file);
      double next = 1e9, torch = 1e9;
      for (int i = 0; i < 20; ++i) {
        next = std::min(next, bench::seconds_to_load(file));
        torch = std::min(torch, bench::seconds_to_load_by_torch(file));
      }
      std::printf(
          "{\"load\": \"%s%s\", \"first\": %.3g, \"next\": %.3g, \"torch\": %.3g}\n",
          name.c_str(), end.c_str(), 1e3 * first, 1e3 * next, 1e3 * torch);
    }
  }

  void memory(const std::string &name) {
    for (const std::string end : {".pt", ".pt2"}) {
      bench::Problem problem({40}, {40}, "y");
      const bench::Call call = bench::bound(folder_ + "/" + name + end, problem);
      for (int i = 0; i < 1000; ++i)
        call();
      const long before = resident_bytes();
      for (long i = 0; i < n_steady; ++i)
        call();
      std::printf("{\"memory\": \"%s%s\", \"calls\": %ld, \"growth\": %ld}\n", name.c_str(),
                  end.c_str(), n_steady, resident_bytes() - before);
    }
  }

private:
  std::vector<Way> engines(const std::string &name, bench::Problem &problem) {
    const std::string script = folder_ + "/" + name + ".pt", package = script + "2",
                      library = folder_ + "/" + name + ".so";
    std::vector<Way> ways = {{"torchscript bound", bench::bound(script, problem)},
                             {"torchscript unbound", bench::unbound(script, problem)},
                             {"torchscript engine", bench::interpreter(script, problem)},
                             {"torchscript engine past autograd",
                              bench::past_autograd(bench::interpreter(script, problem))},
                             {"libtorch", bench::libtorch(script, problem)}};
    if (bench::Call own = bench::by_loops(script, problem))
      ways.push_back({"own loops", std::move(own)});
    if (std::filesystem::exists(package)) {
      ways.push_back({"inductor bound", bench::bound(package, problem)});
      ways.push_back({"inductor unbound", bench::unbound(package, problem)});
    }
    if (std::filesystem::exists(library)) {
      const bench::Call alone = bench::compiled(library, problem);
      ways.push_back({"inductor engine", alone});
      ways.push_back({"inductor engine past autograd", bench::past_autograd(alone)});
    }
    return ways;
  }

  static bench::Call sgemm() {
    constexpr std::int64_t n = 1024;
    const at::Tensor a = at::ones({n, n}), b = at::ones({n, n});
    at::Tensor c = at::empty({n, n});
    return [a, b, c]() mutable {
      const at::NoGradGuard no_gradients;
      at::mm_out(c, a, b);
    };
  }

  static long resident_bytes() {
    long pages = 0, resident = 0;
    std::FILE *file = std::fopen("/proc/self/statm", "r");
    if (!file || std::fscanf(file, "%ld %ld", &pages, &resident) != 2)
      std::exit(1);
    std::fclose(file);
    return resident * sysconf(_SC_PAGESIZE);
  }

  std::string folder_;
  int n_rounds_;
};

} // namespace

void *operator new(std::size_t n_bytes) {
  ++n_allocations;
  if (void *memory = std::malloc(n_bytes))
    return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FOLDER [ROUNDS]\n", argv[0]);
    return 2;
  }
  at::set_num_threads(1);
  Bench bench(argv[1], argc > 2 ? std::atoi(argv[2]) : 200);
  bench.load_times("mlp");
  bench.elementwise("identity", "output_0");
  bench.elementwise("add_one", "y");
  for (const std::int64_t batch : {1, 64, 4096, 65536})
    bench.mlp("mlp", batch, true);
  bench.mlp("wide", 65536, false);
  for (const std::int64_t batch : {1, 128, 16384})
    bench.ring("ring", batch);
  bench.memory("add_one");
  return 0;
}
