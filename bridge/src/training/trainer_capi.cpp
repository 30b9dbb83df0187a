// SPDX-License-Identifier: MIT
// The functions of training.h: check the arguments, guard, delegate.
#include "isthmus/training.h"

#include "trainer.hpp"

namespace {

using namespace isthmus;

Trainer &body_of(isthmus_trainer *trainer) { return required(trainer, "trainer").body; }

const Trainer &body_of(const isthmus_trainer *trainer) {
  return required(trainer, "trainer").body;
}

} // namespace

isthmus_status isthmus_trainer_make(const char *network, const char *device,
                                    const char *settings, isthmus_trainer **trainer) {
  return guarded_torch([&] {
    isthmus_trainer *&target = required(trainer, "trainer");
    target = new isthmus_trainer{Trainer(text(network, "network"), device ? device : "cpu",
                                         std::string(settings ? settings : ""))};
  });
}

void isthmus_trainer_free(isthmus_trainer *trainer) {
  guarded_torch([&] { delete trainer; });
}

isthmus_status isthmus_trainer_push(isthmus_trainer *trainer, const isthmus_tensor *state,
                                    int32_t is_first) {
  return guarded_torch([&] {
    body_of(trainer).push(required(state, "state").value,
                          checked_switch(is_first, "is_first"));
  });
}

isthmus_status isthmus_trainer_n_windows(const isthmus_trainer *trainer,
                                         int64_t *n_training, int64_t *n_validation) {
  return guarded_torch([&] {
    const Trainer &body = body_of(trainer);
    const std::int64_t training = body.n_windows(false), validation = body.n_windows(true);
    if (n_training)
      *n_training = training;
    if (n_validation)
      *n_validation = validation;
  });
}

isthmus_status isthmus_trainer_step(isthmus_trainer *trainer, int64_t n_steps,
                                    double *loss) {
  return guarded_torch([&] {
    Trainer &body = body_of(trainer);
    if (n_steps < 1)
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    "'n_steps' is " + std::to_string(n_steps) + ", expected 1 or more");
    double last = 0.0;
    for (std::int64_t i = 0; i < n_steps; ++i)
      last = body.step();
    if (loss)
      *loss = last;
  });
}

isthmus_status isthmus_trainer_validate(isthmus_trainer *trainer, int32_t with_average,
                                        double *loss) {
  return guarded_torch([&] {
    double &target = required(loss, "loss");
    target = body_of(trainer).validate(checked_switch(with_average, "with_average"));
  });
}

isthmus_status isthmus_trainer_n_steps(const isthmus_trainer *trainer, int64_t *n_steps) {
  return guarded_torch([&] { required(n_steps, "n_steps") = body_of(trainer).n_steps(); });
}

isthmus_status isthmus_trainer_learning_rate(const isthmus_trainer *trainer,
                                             double *learning_rate) {
  return guarded_torch(
      [&] { required(learning_rate, "learning_rate") = body_of(trainer).learning_rate(); });
}

isthmus_status isthmus_trainer_network(const isthmus_trainer *trainer, int32_t with_average,
                                       isthmus_network **network) {
  return guarded_torch([&] {
    isthmus_network *&target = required(network, "network");
    target = new isthmus_network{
        body_of(trainer).network(checked_switch(with_average, "with_average")), ""};
  });
}

isthmus_status isthmus_trainer_save(const isthmus_trainer *trainer, const char *path) {
  return guarded_torch([&] { body_of(trainer).save(text(path, "path")); });
}

isthmus_status isthmus_trainer_restore(isthmus_trainer *trainer, const char *path) {
  return guarded_torch([&] { body_of(trainer).restore(text(path, "path")); });
}
