"""Take the picture of a report that the README shows.

    python experiments/compare/picture.py results/compare/pydocs/report.html docs/images/report.png

Needs Chromium on the path.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZE = (1180, 1500)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--hide-scrollbars",
)


def main() -> None:
    report, picture = (Path(word).resolve() for word in sys.argv[1:3])
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit(f"none of {', '.join(BROWSERS)} is on the path: install one")
    picture.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        size = f"--window-size={SIZE[0]},{SIZE[1]}"
        command = [browser, *FLAGS, f"--user-data-dir={profile}", size, f"--screenshot={picture}", report.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    print(picture)


if __name__ == "__main__":
    main()
