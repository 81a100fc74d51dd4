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
python=.venv/bin/python # in the folder from which the job was sent
[ -x $python ] || fail "no $python in $PWD: run scripts/setup.sh gpu there first"
package=$(basename "$(dirname src/*/toolkit)")

exec srun $python -m "$package" fit --trainer.num_nodes="$SLURM_NNODES" \
    --trainer.devices="$SLURM_NTASKS_PER_NODE" "$@"
