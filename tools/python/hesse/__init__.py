"""hesse: exact curvature of neural networks, from Python.

    hesse.export(module, example, loss=...)   write a PyTorch module as a graph that hesse reads
    hesse.open("result.h5")                    read a file that hesse wrote

The functions import their libraries when they are first called.
"""
import importlib

__version__ = "0.2.0"
# The public names and the modules that define them.
_PLACES = {
    "export": ".exporter.export",
    "compare": ".results",
    "open": ".results",
    "run": ".results",
}
__all__ = sorted(_PLACES)


def __getattr__(name):
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_PLACES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted([*globals(), *__all__])
