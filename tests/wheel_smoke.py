"""Use an installed wheel as somebody with only pip would. Run by ``make wheel-test``."""

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import sb3_presa
from sb3_presa import PRESA, Feedback
from sb3_presa.data import example_dataset


def main() -> None:
    package = Path(sb3_presa.__file__).parent
    assert package.is_relative_to(sysconfig.get_path("purelib")), f"not the wheel: {package}"
    assert (package / "py.typed").is_file()

    dataset = example_dataset()
    assert Path(dataset.storage.data_path).is_relative_to(package)
    assert len(Feedback.load(dataset).comparisons) > 0
    observation = next(iter(dataset.iterate_episodes())).observations[0]

    model = PRESA.load_offline(
        dataset, n_cloning_steps=5, objective_kwargs={"n_attain_steps": 5}, seed=0
    )
    model.learn(20)
    action, _ = model.predict(observation, deterministic=True)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "model"))
        again, _ = PRESA.load(Path(folder, "model")).predict(observation, deterministic=True)
    assert (action == again).all()

    command = Path(sys.executable).with_name("sb3-presa")
    printed = subprocess.run([command, "--version"], check=True, capture_output=True, text=True)
    assert printed.stdout.split()[-1] == sb3_presa.__version__
    print(f"The wheel works: sb3_presa {sb3_presa.__version__} in {sys.prefix}")


if __name__ == "__main__":
    main()
