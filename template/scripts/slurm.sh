#!/usr/bin/env bash
# Train on a cluster that SLURM manages, with one task for each device. What the cluster
# must know goes to sbatch, what follows the script to fit:
#
#   sbatch --nodes=2 --ntasks-per-node=4 --gpus-per-node=4 scripts/slurm.sh [OPTION ...]
#
#SBATCH --job-name=train
set -euo pipefail

fail() {
    echo "error: $1" >&2
    exit 2
}
[ -n "${SLURM_NTASKS_PER_NODE:-}" ] || fail "say sbatch --ntasks-per-node=DEVICES"
# In the folder from which the job was sent, or in the environment that was active there.
python=${UV_PROJECT_ENVIRONMENT:-.venv}/bin/python
[ -x "$python" ] || python=${VIRTUAL_ENV:-.venv}/bin/python
[ -x "$python" ] || fail "no $python in $PWD: run bash scripts/setup.sh gpu there first"
package=$(basename "$(dirname "$(dirname src/*/toolkit/interface.py)")")

exec srun "$python" -m "$package" fit --trainer.num_nodes="$SLURM_NNODES" \
    --trainer.devices="$SLURM_NTASKS_PER_NODE" "$@"
