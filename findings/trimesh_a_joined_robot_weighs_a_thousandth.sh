#!/usr/bin/env bash
# trimesh forgets the density of a mesh when it is joined with another, split, or wrapped in its convex hull.
#
# Versions: trimesh 5.2.0, scipy 1.17.1, networkx 3.6.1, numpy 2.4.6.
# One would guess: two boxes of 1,000 kg that are joined weigh 2,000 kg. Copies, scaled and moved meshes keep their
#   density.
# What happens: `concatenate`, `split` and `convex_hull` return meshes with the default density of 1. The mass and the
#   inertia of the result are those of the volume.
# Seen: two boxes of 1 m at 1,000 kg/m3 weigh 1,000 each, and joined 2. The hull of one weighs 1, as does the one piece
#   that `split` returns. A copy, scaled by 2, weighs 8,000.
# Why it matters: links of a robot are joined, and hulls taken for contacts, before masses are written into its model.
#   A robot that weighs a thousandth falls and brakes otherwise, and its contact forces cost nothing.
# Way round: set `density` again on the result, or take masses from the parts.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq trimesh==5.2.0 scipy==1.17.1 networkx==3.6.1 numpy==2.4.6
venv/bin/python -I - <<'PY'
from importlib.metadata import version

import numpy as np
import trimesh

print({name: version(name) for name in ("trimesh", "scipy", "networkx", "numpy")})
link = trimesh.creation.box((1, 1, 1))
link.density = 1000
moved = link.copy().apply_translation([5, 0, 0])
scaled = link.copy().apply_scale(2)
joined = trimesh.util.concatenate([link, moved])
results = {
    "joined": (joined, 2000),
    "convex hull": (link.convex_hull, 1000),
    "split": (link.split()[0], 1000),
}
assert np.isclose([link.mass, moved.mass, scaled.mass], [1000, 1000, 8000]).all()
for name, (mesh, right) in results.items():
    print(name, "weighs", mesh.mass, "of", right, "inertia", mesh.moment_inertia[0, 0].round(3))
    assert np.isclose(mesh.mass * 1000, right), "the density is kept now"
joined.density = 1000
assert np.isclose(joined.mass, 2000), "the way round fails"
PY
