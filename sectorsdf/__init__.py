"""Indonesia's mining data from the Sectors API as complete, typed DataFrames.

Licences, licence auctions, mine sites, companies with their owners, licences, finances and
production, contracts, prices, trade, and the resources of provinces: one getter for each dataset.

>>> import sectorsdf
>>> with sectorsdf.sandbox.running() as client:
...     sites = sectorsdf.get_mining_sites(client=client)
>>> len(sites), sites["year"].dtype
(156, Int64Dtype())

This module loads the public names, which ``__init__.pyi`` lists. It must not import a module of the
package before a name of that module is used.
"""

import importlib
import logging
import re

# A name is imported when it is first used, so that neither `import sectorsdf` nor
# `sectorsdf --help` imports pandas. The loader reads the list: the package may be in a zip file.
_LIST = __spec__.loader.get_data(f"{__path__[0]}/__init__.pyi").decode()
_MODULES = {
    name: module
    for module, name in re.findall(r"^from (\S+) import (?:\(\s*)?(\w+) as ", _LIST, re.MULTILINE)
}
__all__ = sorted(_MODULES)  # noqa: PLE0605 - a list that the linter cannot see
# These modules need no import of their own either, but `import *` does not bring them.
_MODULES |= dict.fromkeys(("datasets", "mining"), ".")

# pandas imports it, and it can only be imported while the main thread runs. A thread that fetches
# after the program's last line would otherwise import pandas too late.
importlib.import_module("concurrent.futures.thread")

# Write no log messages unless the program configures logging.
logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> object:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(_no_attribute(name), name=name)
    if module == ".":
        return importlib.import_module(f".{name}", __name__)
    value = getattr(importlib.import_module(module, __name__), name)
    globals()[name] = value
    return value


def _no_attribute(name: str) -> str:
    """Return an error message that names the public names which come closest."""
    message = f"module {__name__!r} has no attribute {name!r}"
    if name.startswith("_"):
        return message
    close = importlib.import_module("difflib").get_close_matches(name, __all__, 1, 0.75)
    near = close or [public for public in __all__ if name.lower() in public.lower()][:3]
    if not near:
        return f"{message}. `dir({__name__})` lists the public names."
    return f"{message}. Did you mean: {' or '.join(map(repr, near))}?"


def __dir__() -> list[str]:
    return __all__.copy()
