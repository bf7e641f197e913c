"""Give the states of an optimiser the names of the parameters they belong to."""
import re

STATES = ("exp_avg", "exp_avg_sq", "momentum_buffer")
BUFFERS = re.compile(r"(\.masked_bias|running_mean|running_var|num_batches_tracked|"
                     r"inv_freq|position_ids|_extra_state)$")
WRAPPERS = re.compile(r"^(_orig_mod\.|module\.)+")
# Trainer gives no weight decay to biases and to the weights of normalisations.
NO_DECAY = re.compile(r"bias|layernorm|rmsnorm|(^|[._])(norm|ln)(_?\w+)?(\.|$)",
                      re.IGNORECASE)


class Refused(Exception):
    """The states cannot be given names; the text says why."""


def named_states(optimiser, tensors):
    """Return {parameter.state: tensor} for safetensors, or raise Refused."""
    check(optimiser)
    groups = optimiser["param_groups"]
    parameters = {name: value for name, value in tensors.items()
                  if not is_buffer(name, value)}
    names = names_by_groups(groups, parameters) or names_by_rule(optimiser, parameters)
    named = {}
    for index, state in optimiser["state"].items():
        named.update(states_of(names[index], state))
    return named


def check(optimiser):
    if isinstance(optimiser, list):
        raise Refused(f"found a list of {len(optimiser)}, expected one optimiser")
    if not isinstance(optimiser, dict) or \
            not isinstance(optimiser.get("state"), dict) or \
            not isinstance(optimiser.get("param_groups"), list) or \
            not all("params" in group for group in optimiser["param_groups"]) or \
            not all(isinstance(one, dict) for one in optimiser["state"].values()):
        raise Refused("found no 'state' and 'param_groups', expected those of "
                      "torch.optim")
    state = optimiser["state"]
    if not state:
        raise Refused("found an empty state, expected moments or momentum")
    indices = {i for group in optimiser["param_groups"] for i in group["params"]}
    if not indices.issuperset(state):
        raise Refused("found states of parameters that no group lists, expected none")
    if not any(torch_tensor(one.get(kind)) for one in state.values()
               for kind in STATES):
        kinds = sorted({kind for one in state.values() for kind in one})
        raise Refused(f"found the states {', '.join(kinds)}, expected one of "
                      f"{', '.join(STATES)}")


def torch_tensor(value):
    import torch

    return torch.is_tensor(value)


def is_buffer(name, value):
    """Return true if a tensor of a state dict is not a parameter."""
    mask = name.endswith("attn.bias") and value.dim() == 4
    return mask or not value.is_floating_point() or bool(BUFFERS.search(name))


def names_by_groups(groups, parameters):
    """Return index -> name from the names that the groups store, or None."""
    if not all("param_names" in group for group in groups):
        return None
    stored = {WRAPPERS.sub("", name): name for name in parameters}
    names = {}
    for group in groups:
        if len(group["param_names"]) != len(group["params"]):
            raise Refused("found another number of param_names than of params in a "
                          "group, expected the same")
        for index, name in zip(group["params"], group["param_names"]):
            plain = WRAPPERS.sub("", name)
            if plain not in stored:
                raise Refused(f"found the parameter {name} in param_names, expected a "
                              "tensor of the model")
            names[index] = stored[plain]
    return names


def names_by_rule(optimiser, parameters):
    """Return index -> name by the one rule that fits all groups and shapes."""
    groups = [list(group["params"]) for group in optimiser["param_groups"]]
    fitting = []
    for order in orders(groups, parameters):
        if order not in fitting and fits(order, optimiser["state"], parameters):
            fitting.append(order)
    if len(fitting) == 1:
        return fitting[0]
    sizes = ", ".join(str(len(group)) for group in groups)
    if fitting:
        raise Refused(f"found groups of {sizes} parameters, which fit several orders "
                      "of the parameters, expected one order")
    raise Refused(f"found groups of {sizes} parameters, expected the {len(parameters)} "
                  "parameters of the model in one of the orders of nanoGPT, of "
                  "Trainer, or of the model, with the same shapes")


def orders(groups, parameters):
    """Yield index -> name for each rule that has the right group sizes."""
    names = list(parameters)
    ids = [index for group in groups for index in group]
    if len(ids) == len(names):
        yield dict(zip(ids, names))
    groups = [group for group in groups if group]
    for first in (lambda name: parameters[name].dim() >= 2,
                  lambda name: not NO_DECAY.search(name)):
        parts = [[n for n in names if first(n)], [n for n in names if not first(n)]]
        parts = [part for part in parts if part]
        if [len(part) for part in parts] == [len(group) for group in groups]:
            yield dict(zip(ids, [name for part in parts for name in part]))


def fits(names, state, parameters):
    """Return true if every state has the shape of its parameter."""
    return all(one[kind].shape == parameters[names[index]].shape
               for index, one in state.items() for kind in STATES
               if torch_tensor(one.get(kind)))


def states_of(name, state):
    import torch

    found = {f"{name}.{kind}": state[kind] for kind in STATES
             if torch_tensor(state.get(kind))}
    if "step" in state:
        found[f"{name}.step"] = torch.tensor(float(state["step"]), dtype=torch.float64)
    return found
