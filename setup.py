"""Puts the ready-made dataset into the built package; everything else is in ``pyproject.toml``.

The dataset lives once, in ``datasets/`` (a Minari root that a checkout can point Minari at).
A wheel carries a copy of it inside the package, so that ``sb3_presa.data.example_dataset()``
works for somebody who has only pip.
"""

from pathlib import Path
from shutil import copytree

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.errors import FileError

EXAMPLE_DATASET = Path("datasets", "presa", "point-circle1-small-v0")


class BuildWithExampleDataset(build_py):
    """Copies the example dataset, its feedback and its card to ``sb3_presa/_datasets``."""

    def run(self) -> None:
        """Build as usual, then copy; an editable install reads ``datasets/`` itself."""
        super().run()
        if self.editable_mode:
            return
        if not (EXAMPLE_DATASET / "data" / "main_data.hdf5").is_file():
            raise FileError(
                f"{EXAMPLE_DATASET} is missing, and a wheel ships this dataset. Restore it with "
                f"`git checkout -- {EXAMPLE_DATASET}`, or rebuild it: `make example-dataset`."
            )
        copytree(EXAMPLE_DATASET, self._target(), dirs_exist_ok=True)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """List the copied files as well, so that installers know of them."""
        outputs = list(super().get_outputs(include_bytecode))
        if not self.editable_mode:
            files = (path for path in sorted(EXAMPLE_DATASET.rglob("*")) if path.is_file())
            outputs += [str(self._target() / path.relative_to(EXAMPLE_DATASET)) for path in files]
        return outputs

    def _target(self) -> Path:
        return Path(self.build_lib, "sb3_presa", "_datasets", *EXAMPLE_DATASET.parts[1:])


setup(cmdclass={"build_py": BuildWithExampleDataset})
