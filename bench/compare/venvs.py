"""A virtual environment for each contender, from PyPI, as its requirements file pins it.

    venvs.py NAME ...    makes venv-NAME if need be, and prints the path of its python

They lie in build/compare, or in the folder that HEADRACE_COMPARE_ENVS names, where several work trees can share them.
"""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ENVS = pathlib.Path(os.environ.get("HEADRACE_COMPARE_ENVS") or HERE.parent.parent / "build" / "compare").absolute()
TIMEOUT = 3600  # seconds: some are gigabytes


def python_of(name):
    """The python of environment `name`, made first if its requirements changed. RuntimeError if that fails."""
    wanted = (HERE / f"requirements-{name}.txt").read_text()
    venv = ENVS / f"venv-{name}"
    stamp = venv / "requirements.txt"
    python = venv / "bin" / "python"
    if stamp.is_file() and stamp.read_text() == wanted:
        return python

    print(f"making {venv}", file=sys.stderr)
    ENVS.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(venv, ignore_errors=True)
    log = ENVS / f"venv-{name}.log"
    requirements = HERE / f"requirements-{name}.txt"
    # FFCV is built from source, and finds OpenCV by this.
    env = {**os.environ, "PKG_CONFIG_PATH": str(HERE / "ffcv_build")}
    with open(log, "w") as out:
        for command in (
            [sys.executable, "-m", "venv", venv],
            [python, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "-r", requirements],
        ):
            try:
                subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, env=env, check=True, timeout=TIMEOUT)
            except (subprocess.SubprocessError, OSError) as error:
                raise RuntimeError(f"could not be installed: {error}; see {log}") from None
    stamp.write_text(wanted)
    return python


if __name__ == "__main__":
    for name in sys.argv[1:]:
        try:
            print(python_of(name))
        except RuntimeError as error:
            sys.exit(f"{name}: {error}")
