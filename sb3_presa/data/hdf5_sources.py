"""Virtual datasets of HDF5: arrays that lie in other files, found before they are read."""

from pathlib import Path

import h5py

from sb3_presa.errors import DatasetError


def find_sources(path: Path, item: h5py.Dataset) -> set[Path]:
    """The files that an array lies in. HDF5 reads zeros for a part whose file is not found.

    It also takes a file of the current folder that happens to have the name
    (``findings/h5py_reads_zeros_for_a_file_that_is_gone.sh``), so only the place that is recorded
    counts.

    :param path: the file that was opened.
    :param item: an array of it.
    :return: ``path`` and the files of its virtual parts.
    :raises DatasetError: if one of them does not exist, or lacks the array.
    """
    files = {path}
    for source in item.virtual_sources() if item.is_virtual else ():
        if source.file_name == ".":
            continue
        file = path.parent / source.file_name
        if not _holds(file, source.dset_name):
            raise DatasetError(
                f"{path}: the sources of '{item.name}' must exist, got no array "
                f"'{source.dset_name}' in {file}. HDF5 would read zeros in its place. Restore the "
                "file, or write the arrays into one file"
            )
        files.add(file)
    return files


def _holds(file: Path, name: str) -> bool:
    if not file.is_file():
        return False
    with h5py.File(file, "r") as opened:
        return isinstance(opened.get(name), h5py.Dataset)
