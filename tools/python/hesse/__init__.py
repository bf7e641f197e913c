"""hesse: exact curvature of neural networks, from Python.

    hesse.export(module, example, loss=...)   write a PyTorch module as a graph that hesse reads
    hesse.open("result.h5")                   open a file that hesse wrote
    hesse.compare("a.h5", "b.h5")             compare two results
    hesse.run(job, ranks=2)                   run a job, and open its result
    hesse.operator(job)                       the Hessian of a job as an operator for SciPy

The functions import their libraries when they are first called.
"""
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .common import Failure as Failure
    from .exporter.export import export as export
    from .operators.operator import operator as operator
    from .results import compare as compare, open as open, run as run

__version__ = "0.2.0"
# The public names and the modules that define them.
_PLACES = {
    "Failure": ".common",
    "export": ".exporter.export",
    "compare": ".results",
    "open": ".results",
    "run": ".results",
    "operator": ".operators.operator",
}
__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_PLACES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
