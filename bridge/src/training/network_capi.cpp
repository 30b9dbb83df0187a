// SPDX-License-Identifier: MIT
// The functions of network.h on networks: check the arguments, guard, delegate.
#include <cstdlib>
#include <cstring>

#include "network.hpp"

namespace {

using namespace isthmus;

Network &body_of(const isthmus_network *network) {
  return *required(network, "network").body;
}

isthmus_network *handle_of(std::unique_ptr<Network> body) {
  return new isthmus_network{std::move(body), ""};
}

std::string method_of(const char *method) { return method ? method : "forward"; }

/// Hand out new handles of all tensors, or of none.
void hand_out(const Tensors &tensors, isthmus_tensor **handles) {
  std::vector<std::unique_ptr<isthmus_tensor>> made;
  for (const at::Tensor &each : tensors)
    made.push_back(std::make_unique<isthmus_tensor>(isthmus_tensor{each}));
  for (std::size_t i = 0; i < made.size(); ++i)
    handles[i] = made[i].release();
}

template <typename List>
const auto &checked_at(const List &list, std::int32_t index, const char *what) {
  if (index < 0 || static_cast<std::size_t>(index) >= list.size())
    throw Failure(ISTHMUS_ERR_ARGUMENT, std::string(what) + " " + std::to_string(index) +
                                            " does not exist: there are " +
                                            std::to_string(list.size()));
  return list[static_cast<std::size_t>(index)];
}

const char *kept(isthmus_network *network, const std::string &name) {
  network->name = name;
  return network->name.c_str();
}

} // namespace

isthmus_status isthmus_network_load(const char *path, const char *device,
                                    int32_t is_training, isthmus_network **network) {
  return guarded_torch([&] {
    isthmus_network *&target = required(network, "network");
    target =
        handle_of(std::make_unique<Network>(text(path, "path"), device ? device : "cpu",
                                            checked_switch(is_training, "is_training")));
  });
}

isthmus_status isthmus_network_copy(const isthmus_network *network,
                                    isthmus_network **copy) {
  return guarded_torch([&] {
    isthmus_network *&target = required(copy, "copy");
    target = handle_of(body_of(network).copy());
  });
}

void isthmus_network_free(isthmus_network *network) {
  guarded_torch([&] { delete network; });
}

isthmus_status isthmus_network_n_inputs(isthmus_network *network, const char *method,
                                        int32_t *n) {
  return guarded_torch([&] {
    const auto &names = body_of(network).names(method_of(method)).inputs;
    required(n, "n") = static_cast<int32_t>(names.size());
  });
}

isthmus_status isthmus_network_input_name(isthmus_network *network, const char *method,
                                          int32_t index, const char **name) {
  return guarded_torch([&] {
    const auto &names = body_of(network).names(method_of(method)).inputs;
    required(name, "name") = kept(network, checked_at(names, index, "input"));
  });
}

isthmus_status isthmus_network_n_outputs(isthmus_network *network, const char *method,
                                         int32_t *n) {
  return guarded_torch([&] {
    const auto &names = body_of(network).names(method_of(method)).outputs;
    required(n, "n") = static_cast<int32_t>(names.size());
  });
}

isthmus_status isthmus_network_output_name(isthmus_network *network, const char *method,
                                           int32_t index, const char **name) {
  return guarded_torch([&] {
    const auto &names = body_of(network).names(method_of(method)).outputs;
    required(name, "name") = kept(network, checked_at(names, index, "output"));
  });
}

isthmus_status isthmus_network_forward(isthmus_network *network, const char *method,
                                       const isthmus_tensor *const *inputs,
                                       int32_t n_inputs, int32_t with_tape, int32_t room,
                                       isthmus_tensor **outputs, int32_t *n_outputs) {
  return guarded_torch([&] {
    Network &body = body_of(network);
    const Tensors results =
        body.forward(method_of(method), tensors_of(inputs, n_inputs, "inputs"),
                     checked_switch(with_tape, "with_tape"));
    if (results.size() > static_cast<std::size_t>(room < 0 ? 0 : room))
      throw Failure(ISTHMUS_ERR_ARGUMENT,
                    "the network returned " + std::to_string(results.size()) +
                        " tensors, there is room for " + std::to_string(room));
    int32_t &count = required(n_outputs, "n_outputs");
    hand_out(results, &required(outputs, "outputs"));
    count = static_cast<int32_t>(results.size());
  });
}

isthmus_status isthmus_network_n_parameters(const isthmus_network *network, int32_t *n) {
  return guarded_torch([&] {
    required(n, "n") = static_cast<int32_t>(body_of(network).parameters().size());
  });
}

isthmus_status isthmus_network_parameter(isthmus_network *network, int32_t index,
                                         const char **name, isthmus_tensor **parameter) {
  return guarded_torch([&] {
    const auto all = body_of(network).parameters();
    const NamedTensor &found = checked_at(all, index, "parameter");
    if (parameter)
      hand_out({found.value}, parameter);
    if (name)
      *name = kept(network, found.name);
  });
}

isthmus_status isthmus_network_n_buffers(const isthmus_network *network, int32_t *n) {
  return guarded_torch(
      [&] { required(n, "n") = static_cast<int32_t>(body_of(network).buffers().size()); });
}

isthmus_status isthmus_network_buffer(isthmus_network *network, int32_t index,
                                      const char **name, isthmus_tensor **buffer) {
  return guarded_torch([&] {
    const auto all = body_of(network).buffers();
    const NamedTensor &found = checked_at(all, index, "buffer");
    if (buffer)
      hand_out({found.value}, buffer);
    if (name)
      *name = kept(network, found.name);
  });
}

isthmus_status isthmus_network_n_trainable(const isthmus_network *network, int64_t *n) {
  return guarded_torch([&] {
    int64_t sum = 0;
    for (const at::Tensor &each : body_of(network).trainable())
      sum += each.numel();
    required(n, "n") = sum;
  });
}

isthmus_status isthmus_network_set_trainable(isthmus_network *network, const char *prefix,
                                             int32_t is_trainable) {
  return guarded_torch([&] {
    body_of(network).set_trainable(prefix ? prefix : "",
                                   checked_switch(is_trainable, "is_trainable"));
  });
}

isthmus_status isthmus_network_set_training(isthmus_network *network, int32_t is_training) {
  return guarded_torch(
      [&] { body_of(network).set_training(checked_switch(is_training, "is_training")); });
}

isthmus_status isthmus_network_is_training(const isthmus_network *network,
                                           int32_t *is_training) {
  return guarded_torch([&] {
    const bool found = body_of(network).is_training();
    required(is_training, "is_training") = found ? 1 : 0;
  });
}

isthmus_status isthmus_network_text(const isthmus_network *network, int32_t with_values,
                                    int32_t room, char *text, int32_t *length) {
  return guarded_torch([&] {
    const std::string all =
        body_of(network).text(checked_switch(with_values, "with_values"));
    int32_t &needed = required(length, "length");
    if (text && room > static_cast<int32_t>(all.size()))
      std::memcpy(text, all.c_str(), all.size() + 1);
    else if (text)
      throw Failure(ISTHMUS_ERR_ARGUMENT, "'text' has room for " + std::to_string(room) +
                                              " bytes, needed are " +
                                              std::to_string(all.size() + 1));
    needed = static_cast<int32_t>(all.size());
  });
}

isthmus_status isthmus_network_save(const isthmus_network *network, const char *path) {
  return guarded_torch([&] { body_of(network).save(text(path, "path")); });
}
