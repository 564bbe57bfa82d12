"""The Python of a runner: a virtual environment of its own, in which `pip install` of the workflows really runs.

There is no package index: portcfg's wheel is built once and found in a folder, and what it needs is already there.
"""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

from tests.github.runner import Machine
from tests.support import REPOSITORY

# The project as it is developed must not be seen, only what the workflows install; and that is without `[emulator]`.
HIDDEN = ("portcfg", "_editable_impl_portcfg", "__editable__", "starlette", "uvicorn")


def make_machine(folder: Path) -> Machine:
    """A machine below `folder`."""
    home, packages, wheels = folder / "python", folder / "packages", folder / "wheels"
    venv.create(home, with_pip=False, symlinks=True)
    packages.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(HIDDEN):
            (packages / entry.name).symlink_to(entry)
    site = next((home / "lib").glob("python3*")) / "site-packages"
    (site / "packages.pth").write_text(f"{packages}\n", encoding="utf-8")
    python = home / "bin" / "python"
    environ = {
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_FIND_LINKS": str(wheels),
        "PIP_CONFIG_FILE": "/dev/null",
    }
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(wheels)]
    done = subprocess.run(build, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Machine(python, packages, environ)
