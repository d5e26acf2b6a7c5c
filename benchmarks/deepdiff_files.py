"""Compare two JSON files with DeepDiff, as one would write it in a few lines.

Without the threshold, dictionaries that share fewer than a third of their keys are told as one change
of the whole.
"""

import json
import sys
from pathlib import Path

from deepdiff import DeepDiff

old, new = (json.loads(Path(path).read_bytes()) for path in sys.argv[1:])
print(DeepDiff(old, new, threshold_to_diff_deeper=0))
