"""`python -m benchmarks.peers.ijson_array FILE`: reads a JSON array with ijson on yajl2, and prints the seconds."""

import sys
from pathlib import Path
from time import perf_counter

import ijson.backends.yajl2_c as ijson


def main() -> None:
    """Read the array once; its elements are not used, which is in favor of ijson."""
    begun = perf_counter()
    with Path(sys.argv[1]).open("rb") as file:
        count = sum(1 for _ in ijson.items(file, "item", use_float=True))
    print(perf_counter() - begun, count)


if __name__ == "__main__":
    main()
