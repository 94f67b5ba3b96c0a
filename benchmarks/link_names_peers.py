"""Peers of ``link_names.py``, run by it in an environment of their own: splink and recordlinkage on parsed parts, rapidfuzz
on folded names.

Reads two lists of parsed names, writes one method's scored pairs: right-hand names' best for rapidfuzz, all for the others.
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
Rows = list[dict[str, str]]


def by_ratio(lefts: Rows, rights: Rows) -> list[list[float]]:
    """The best left name of each right one, by rapidfuzz's ratio over all pairs of folded names."""
    import numpy as np
    from rapidfuzz import fuzz, process

    names = [f"{row['place']}{row['brand']}{row['trade']}" for row in lefts]
    found = []
    for start in range(0, len(rights), 1000):
        chunk = [f"{row['place']}{row['brand']}{row['trade']}" for row in rights[start : start + 1000]]
        table = process.cdist(chunk, names, scorer=fuzz.ratio, workers=-1, dtype=np.float32)
        for at, best in enumerate(table.argmax(axis=1)):
            found.append([float(table[at, best]), int(best), start + at])
    return found


def by_splink(lefts: Rows, rights: Rows) -> list[list[float]]:
    """Splink's own training on brand, place and trade; blocked on brand, and on place with trade."""
    import pandas as pd
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    frames = [
        pd.DataFrame({"unique_id": range(len(rows)), **{key: [row[key] or None for row in rows] for key in rows[0]}})
        for rows in (lefts, rights)
    ]
    brand = cl.JaroWinklerAtThresholds("brand", [0.9, 0.7]).configure(term_frequency_adjustments=True)
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            brand,
            cl.ExactMatch("place").configure(term_frequency_adjustments=True),
            cl.ExactMatch("trade").configure(term_frequency_adjustments=True),
        ],
        blocking_rules_to_generate_predictions=[block_on("brand"), block_on("place", "trade")],
    )
    database = DuckDBAPI()
    linker = Linker([database.register(frame) for frame in frames], settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match([block_on("brand", "place", "trade")], recall=0.7)
    linker.training.estimate_u_using_random_sampling(max_pairs=2_000_000, seed=1)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("brand"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("place", "trade"))
    table = linker.inference.predict(threshold_match_weight=-10).as_pandas_dataframe()
    sides = table["unique_id_l"].tolist(), table["unique_id_r"].tolist()
    return [[weight, *pair] for weight, *pair in zip(table["match_weight"].tolist(), *sides, strict=True)]


def by_recordlinkage(lefts: Rows, rights: Rows) -> list[list[float]]:
    """Recordlinkage's comparisons summed, blocked as for splink and on neighbouring brands.

    The brand counts twice and what one name leaves out counts half: of the settings tried, its unsupervised classifier (ECM)
    among them, this gives it the best F1.
    """
    import pandas as pd
    import recordlinkage

    frames = [pd.DataFrame(rows).replace("", None) for rows in (lefts, rights)]
    index = recordlinkage.Index()
    index.block("brand")
    index.block(["place", "trade"])
    index.sortedneighbourhood("brand", window=5)
    compare = recordlinkage.Compare()
    compare.string("brand", "brand", method="jarowinkler")
    compare.exact("place", "place", missing_value=0.5)
    compare.exact("trade", "trade", missing_value=0.5)
    features = compare.compute(index.index(*frames), *frames)
    weights = features.mul((2.0, 1.0, 1.0), axis=1).sum(axis=1)
    sides = [weights.index.get_level_values(at).tolist() for at in (0, 1)]
    return [[weight, *pair] for weight, *pair in zip(weights.tolist(), *sides, strict=True)]


if __name__ == "__main__":
    left_rows, right_rows = json.loads(Path(sys.argv[2]).read_text("utf-8"))
    methods = {"rapidfuzz": by_ratio, "recordlinkage": by_recordlinkage, "splink": by_splink}
    pairs = methods[sys.argv[1]](left_rows, right_rows)
    Path(sys.argv[3]).write_text(json.dumps({"pairs": pairs}), "utf-8")
