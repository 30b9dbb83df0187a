// SPDX-License-Identifier: MIT
// The trainer: schedules and rollouts against PyTorch's numbers, resumed bit for bit.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "../check.h"
#include "training/schedule.hpp"

namespace {

// Closed forms here, recursions in PyTorch: 20 steps of rounding.
constexpr double of_schedules = 1e-14;
// The same operations in the same order but for the mean over the batch and the steps.
constexpr double of_rollouts = 1e-12;

std::vector<double> numbers_of(const std::string &name) {
  std::ifstream file(network(name.c_str()));
  std::vector<double> all;
  for (double each = 0.0; file >> each;)
    all.push_back(each);
  CHECK(!all.empty());
  return all;
}

isthmus_trainer *trainer_of(const char *file, const std::string &settings) {
  isthmus_trainer *made = nullptr;
  OK(isthmus_trainer_make(network(file), nullptr, settings.c_str(), &made));
  if (!made)
    std::exit(1);
  return made;
}

isthmus_status push(isthmus_trainer *trainer, double u, double v, int32_t is_first = 0) {
  const int64_t shape[] = {2};
  isthmus_tensor *state = nullptr;
  OK(isthmus_tensor_zeros(ISTHMUS_FLOAT64, 1, shape, "cpu", &state));
  void *data = nullptr;
  OK(isthmus_tensor_data(state, &data));
  static_cast<double *>(data)[0] = u;
  static_cast<double *>(data)[1] = v;
  const isthmus_status status = isthmus_trainer_push(trainer, state, is_first);
  isthmus_tensor_free(state);
  return status;
}

void push_spiral(isthmus_trainer *trainer, int from, int to) {
  for (int i = from; i < to; ++i)
    OK(push(trainer, std::exp(-0.01 * i) * std::cos(0.1 * i),
            std::exp(-0.01 * i) * std::sin(0.1 * i), i % 90 == 0));
}

double step(isthmus_trainer *trainer, int n = 1) {
  double loss = NAN;
  OK(isthmus_trainer_step(trainer, n, &loss));
  return loss;
}

void schedules_are_those_of_pytorch() {
  const struct {
    const char *name, *settings;
  } all[] = {{"step", "schedule=step step_size=4 gamma=0.5"},
             {"multi_step", "schedule=multi_step milestones=3:8 gamma=0.25"},
             {"exponential", "schedule=exponential gamma=0.9"},
             {"cosine", "schedule=cosine t_max=10 eta_min=0.001"},
             {"warm_up", "schedule=cosine t_max=10 eta_min=0.001 warm_up=5 "
                         "warm_up_start=0.25"}};
  for (const auto &each : all) {
    isthmus_trainer *trainer =
        trainer_of("stepper.pt", std::string("optimizer=sgd learning_rate=0.1 ") +
                                     "predicts=state " + each.settings);
    push_spiral(trainer, 0, 2);
    double worst = 0.0;
    for (const double expected : numbers_of("rates_" + std::string(each.name) + ".txt")) {
      double rate = NAN;
      OK(isthmus_trainer_learning_rate(trainer, &rate));
      worst = std::fmax(worst, std::fabs(rate / expected - 1.0));
      step(trainer);
    }
    std::printf("%s: rates differ from PyTorch's by %.1e\n", each.name, worst);
    CHECK(worst <= of_schedules);
    isthmus_trainer_free(trainer);
  }
}

void plateau_is_that_of_pytorch() {
  isthmus::Settings settings("plateau", "schedule=plateau factor=0.5 patience=1 cooldown=1 "
                                        "min_lr=0.01");
  isthmus::Schedule schedule(settings, 0.1);
  const std::vector<double> losses = numbers_of("plateau_losses.txt");
  const std::vector<double> rates = numbers_of("plateau_rates.txt");
  CHECK(losses.size() == rates.size() && rates.back() < 0.1);
  for (std::size_t i = 0; i < losses.size(); ++i) {
    schedule.observe(losses[i]);
    CHECK(schedule.rate() == rates[i]);
  }
}

void rollouts_are_those_of_pytorch() {
  isthmus_trainer *trainer = trainer_of(
      "stepper.pt", "optimizer=sgd learning_rate=0.05 momentum=0.9 predicts=tendency "
                    "dt=0.25 rollout=3 batch_size=2 accumulation=2 clip_norm=0.5 "
                    "ema=0.75");
  for (int i = 0; i < 4; ++i)
    OK(push(trainer, std::ldexp(1.0, -i), -std::ldexp(2.0, -i) + 0.125 * i));
  std::vector<double> expected = numbers_of("losses_rollout.txt");
  const double of_average = expected.back();
  expected.pop_back();
  double worst = 0.0;
  for (const double each : expected)
    worst = std::fmax(worst, std::fabs(step(trainer) / each - 1.0));
  std::printf("rollout: losses differ from PyTorch's by %.1e\n", worst);
  CHECK(worst <= of_rollouts);
  isthmus_network *average = nullptr;
  OK(isthmus_trainer_network(trainer, 1, &average));
  OK(isthmus_network_save(average, "average.pt"));
  isthmus_trainer *judge = nullptr;
  OK(isthmus_trainer_make("average.pt", nullptr,
                          "predicts=tendency dt=0.25 rollout=3 batch_size=1", &judge));
  for (int i = 0; i < 4; ++i)
    OK(push(judge, std::ldexp(1.0, -i), -std::ldexp(2.0, -i) + 0.125 * i));
  CHECK(std::fabs(step(judge) / of_average - 1.0) <= of_rollouts);
  isthmus_network_free(average);
  isthmus_trainer_free(judge);
  isthmus_trainer_free(trainer);
}

std::string bytes_of(const char *path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

std::string settings_of(const char *optimizer) {
  return std::string("predicts=tendency dt=0.1 rollout=3 batch_size=4 accumulation=2 "
                     "capacity=120 validation=0.25 validation_block=10 seed=5 ema=0.9 "
                     "schedule=cosine t_max=20 warm_up=4 clip_norm=1 optimizer=") +
         optimizer;
}

/// 5 + 5 steps with new states in between, or the same cut in two by a checkpoint.
std::vector<double> losses_of(const char *optimizer, bool is_cut) {
  const std::string settings = settings_of(optimizer);
  isthmus_trainer *trainer = trainer_of("stepper_dropout.pt", settings);
  std::vector<double> losses;
  OK(isthmus_manual_seed(11));
  push_spiral(trainer, 0, 100);
  for (int i = 0; i < 5; ++i)
    losses.push_back(step(trainer));
  if (is_cut) {
    OK(isthmus_trainer_save(trainer, "cut.isthmus"));
    isthmus_trainer_free(trainer);
    OK(isthmus_manual_seed(99)); // the checkpoint brings torch's random numbers too
    trainer = trainer_of("stepper_dropout.pt", settings);
    OK(isthmus_trainer_restore(trainer, "cut.isthmus"));
  }
  push_spiral(trainer, 100, 180);
  for (int i = 0; i < 5; ++i)
    losses.push_back(step(trainer));
  for (const int32_t with_average : {0, 1}) {
    double loss = NAN;
    OK(isthmus_trainer_validate(trainer, with_average, &loss));
    losses.push_back(loss);
  }
  OK(isthmus_trainer_save(trainer, is_cut ? "end_cut.isthmus" : "end.isthmus"));
  isthmus_trainer_free(trainer);
  return losses;
}

void a_cut_training_goes_on_bit_for_bit() {
  for (const char *optimizer :
       {"sgd momentum=0.9 nesterov=1", "adam amsgrad=1", "adamw",
        "lbfgs max_iter=4 history_size=5", "lbfgs max_iter=4 line_search=strong_wolfe"}) {
    const std::vector<double> whole = losses_of(optimizer, false);
    const std::vector<double> cut = losses_of(optimizer, true);
    CHECK(whole.size() == 12 && whole == cut);
    CHECK(std::isfinite(whole.back()) && whole[8] != whole[9]);
  }
}

void wrong_checkpoints_are_refused() {
  const std::string settings = settings_of("adam");
  isthmus_trainer *trainer = trainer_of("stepper_dropout.pt", settings);
  push_spiral(trainer, 0, 80);
  step(trainer, 3);
  OK(isthmus_trainer_save(trainer, "good.isthmus"));
  step(trainer, 2);
  OK(isthmus_trainer_save(trainer, "before.isthmus"));
  std::string bytes = bytes_of("good.isthmus");
  const auto refused = [&](const char *why, const std::string &content) {
    std::ofstream("bad.isthmus", std::ios::binary) << content;
    EXPECT(ISTHMUS_ERR_FILE, why, isthmus_trainer_restore(trainer, "bad.isthmus"));
  };
  refused("no checkpoint of isthmus", "something else");
  refused("no checkpoint of isthmus", "");
  refused("is damaged", bytes.substr(0, bytes.size() / 2));
  std::string flipped = bytes;
  flipped[bytes.size() / 2] ^= 1;
  refused("is damaged", flipped);
  std::string newer = bytes;
  newer[19] = '2';
  refused("another format", newer);
  EXPECT(ISTHMUS_ERR_FILE, "cannot be read",
         isthmus_trainer_restore(trainer, "nowhere.isthmus"));
  isthmus_trainer *other = trainer_of("stepper_dropout.pt", settings + " weight_decay=0.5");
  EXPECT(ISTHMUS_ERR_FILE, "weight_decay=0.5",
         isthmus_trainer_restore(other, "good.isthmus"));
  isthmus_trainer_free(other);
  EXPECT(ISTHMUS_ERR_FILE, "cannot be written",
         isthmus_trainer_save(trainer, "no_such_folder/x.isthmus"));
  OK(isthmus_trainer_save(trainer, "after.isthmus"));
  CHECK(bytes_of("after.isthmus") == bytes_of("before.isthmus"));
  OK(isthmus_trainer_restore(trainer, "good.isthmus"));
  int64_t n = 0;
  OK(isthmus_trainer_n_steps(trainer, &n));
  CHECK(n == 3);
  isthmus_trainer_free(trainer);
}

void windows_follow_trajectories_and_the_split() {
  int64_t training = -1, validation = -1;
  isthmus_trainer *trainer = trainer_of("stepper.pt", "rollout=2 capacity=10");
  EXPECT(ISTHMUS_ERR_ARGUMENT, "no trajectory of 3 states",
         isthmus_trainer_step(trainer, 1, nullptr));
  for (int i = 0; i < 5; ++i)
    OK(push(trainer, i, 0.0));
  OK(isthmus_trainer_n_windows(trainer, &training, &validation));
  CHECK(training == 3 && validation == 0);
  for (int i = 0; i < 4; ++i)
    OK(push(trainer, i, 0.0, i == 0));
  OK(isthmus_trainer_n_windows(trainer, &training, nullptr));
  CHECK(training == 3 + 2);
  for (int i = 0; i < 4; ++i) // three of the first trajectory are forgotten
    OK(push(trainer, i, 0.0));
  OK(isthmus_trainer_n_windows(trainer, &training, nullptr));
  CHECK(training == 0 + 6);
  CHECK(push(trainer, NAN, 0.0) == ISTHMUS_ERR_ARGUMENT);
  double loss = 0.0;
  EXPECT(ISTHMUS_ERR_ARGUMENT, "to validate on",
         isthmus_trainer_validate(trainer, 0, &loss));
  isthmus_trainer_free(trainer);
  const char *split = "rollout=1 capacity=1000 validation=0.5 validation_block=10 seed=3";
  int64_t first[2], again[2];
  for (int64_t *found : {first, again}) {
    trainer = trainer_of("stepper.pt", split);
    for (int i = 0; i < 1000; ++i)
      OK(push(trainer, i, 0.0));
    OK(isthmus_trainer_n_windows(trainer, &found[0], &found[1]));
    isthmus_trainer_free(trainer);
  }
  CHECK(first[0] == again[0] && first[1] == again[1]);
  // Pairs across two sides belong to none; of 100 blocks, half: within 4 sigma.
  CHECK(first[0] + first[1] < 999 && first[0] + first[1] >= 900);
  CHECK(first[1] > 300 && first[1] < 700);
}

void other_losses_and_settings() {
  isthmus_trainer *trainer =
      trainer_of("stepper.pt",
                 "loss_network=" + std::string(network("weighted.pt")) + " freeze=body.0");
  push_spiral(trainer, 0, 50);
  const double first = step(trainer);
  CHECK(step(trainer, 200) < 0.9 * first);
  isthmus_network *net = nullptr;
  OK(isthmus_trainer_network(trainer, 0, &net));
  int64_t n = 0;
  OK(isthmus_network_n_trainable(net, &n));
  CHECK(n == 8 * 2 + 2);
  EXPECT(ISTHMUS_ERR_ARGUMENT, "setting 'ema'", isthmus_trainer_network(trainer, 1, &net));
  isthmus_network_free(net);
  isthmus_trainer_free(trainer);
  trainer = nullptr;
  const auto refused = [&](const char *why, const char *settings) {
    EXPECT(ISTHMUS_ERR_ARGUMENT, why,
           isthmus_trainer_make(network("stepper.pt"), nullptr, settings, &trainer));
  };
  refused("unknown setting 'rolout'", "rolout=3");
  refused("needs the setting 'dt'", "predicts=tendency");
  refused("needs the setting 't_max'", "schedule=cosine");
  refused("exclude each other", "loss=l1 loss_network=x.pt");
  refused("'optimizer' is 'rmsprop'", "optimizer=rmsprop");
  CHECK(!trainer);
}

void log_is_cut_at_a_restore() {
  std::remove("log.csv");
  isthmus_trainer *trainer = trainer_of("stepper.pt", "log=log.csv");
  push_spiral(trainer, 0, 20);
  step(trainer, 3);
  OK(isthmus_trainer_save(trainer, "logged.isthmus"));
  step(trainer, 3);
  const std::string whole = bytes_of("log.csv");
  CHECK(whole.rfind("step,kind,loss,learning_rate\n1,training,", 0) == 0);
  OK(isthmus_trainer_restore(trainer, "logged.isthmus"));
  CHECK(bytes_of("log.csv").size() < whole.size());
  step(trainer, 3);
  CHECK(bytes_of("log.csv") == whole);
  isthmus_trainer_free(trainer);
}

} // namespace

int main(int argc, char **argv) {
  if (argc > 1)
    folder = argv[1];
  use_all();
  schedules_are_those_of_pytorch();
  plateau_is_that_of_pytorch();
  rollouts_are_those_of_pytorch();
  windows_follow_trajectories_and_the_split();
  a_cut_training_goes_on_bit_for_bit();
  wrong_checkpoints_are_refused();
  other_losses_and_settings();
  log_is_cut_at_a_restore();
  return finish();
}
