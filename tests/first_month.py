"""Files that are right as they are, such as a team commits in its first month.

No hook may refuse or change one of them under the small set of rules. They come from
exports of tools, from clusters, from papers and from the text of data sheets; each of
a kind stands once. White space that matters is written as an escape, so that the hooks
of this repository leave it alone.
"""

import json
import random

TABLES = {
    # The last column is empty in most rows.
    "data/sensors.tsv": "id\tvalue\tremark\n1\t0.5\t\n2\t0.7\tbroken\n3\t0.1\t\n",
    "data/authors.csv": "name,city\r\nAns Westra,Nam Dinh\r\nOt Fo,Als\r\nTe Wan,Nd\r\n",
    "data/from_excel.csv": "\ufeffName;Wert\r\nErste;0,5\r\nZweite;1,25\r\n",
    # Columns of a fixed width, as many older data sets have them.
    "data/abalone.data": "M 0.455 0.365 15  \nF 0.530 0.420  9  \nI 0.330 0.255  7  \n",
    "data/tweets.txt": "i recieve teh money tommorow \n\nidk tho  \n\n",
    "data/vocabulary.txt": "the\nteh\n##ing\n \n\u00a0\nadn",
    "data/reviews.json": '{"text": "thier best", "y": 1}\n{"text": "teh worst", "y": 0}\n',
    "data/boxes.json": json.dumps({"images": [], "categories": [{"name": "hist"}]}),
    "data/scores.json": '{"loss": NaN, "best": Infinity}',
    "data/export.json": "\ufeff" + json.dumps([{"id": 1, "label": "fo"}]),
    "data/weather.arff": "@relation weather \n@attribute x numeric \n@data \n1 \n",
    "data/regions.geojson": '{"type": "FeatureCollection", "features": []}',
    "tests/data/expected_table.txt": "   a  b \n0  1  x \n1  2  y \n",
    "patches/lightning.patch": "--- a/x.py\n+++ b/x.py\n@@ -1,3 +1,3 @@\n \n-a\n+b\n \n",
    "docs/confusion.svg": '<svg xmlns="http://www.w3.org/2000/svg">\n'
    ' <path d="M 0 0 \nL 1 1 \n"/>\n</svg>\n',
}

SETTINGS = {
    "deploy/job.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: training
---
apiVersion: batch/v1
kind: Job
metadata:
  name: training
""",
    "deploy/chart/templates/job.yaml": """\
{{- if .Values.enabled }}
kind: Job
metadata:
  name: {{ .Release.Name }}
{{- end }}
""",
    "mkdocs.yml": """\
site_name: Results
markdown_extensions:
  - pymdownx.emoji:
      emoji_index: !!python/name:material.extensions.emoji.twemoji
""",
    ".gitlab-ci.yml": """\
test:
  script:
    - !reference [.setup, script]
    - pytest
""",
    "docker-compose.yml": """\
services:
  label-studio:
    image: heartexlabs/label-studio:1.20.0
    ports: !override
      - "8080:8080"
""",
    "environment.yml": """\
name: paper
channels: [conda-forge]
dependencies:
  - python=3.11
  - pip:
      - rouge-score
""",
    "configs/sweep.yaml": """\
program: train.py
method: bayes
metric: {name: val/mape, goal: minimize}
parameters:
  lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}
""",
    # The prompt ends with a space, on which the outcome depends.
    "configs/prompts.yaml": "classify: |\n  Is this positive?\n  Answer: \n",
    "data/raw.dvc": "outs:\n- md5: a304afb96060aad90176268345e10355\n  path: raw\n",
    "runs_of_the_paper/hparams.yaml": """\
model: !!python/object/apply:collections.OrderedDict
- - - width
    - 32
""",
    ".vscode/settings.json": """\
{
    // The environment that scripts/setup.sh makes.
    "python.defaultInterpreterPath": ".venv/bin/python",
    "editor.rulers": [88],
}
""",
    ".devcontainer/devcontainer.json": """\
{
  /* A container for everybody. */
  "image": "mcr.microsoft.com/devcontainers/python:3.11",
  "postCreateCommand": "bash scripts/setup.sh", // as in the README
}
""",
    "pyrightconfig.json": '{\n  // Notebooks are for trying out.\n  "exclude": []\n}\n',
    "configs/deepspeed.json": '{\n    "zero_optimization": {"stage": 2}\n}',
    "dashboards/training.json": json.dumps({"panels": []}, indent=4),
    ".github/ISSUE_TEMPLATE/bug.yml": """\
name: Bug
description: Something is wrong
body:
  - type: textarea
    attributes:
      label: What happened?
""",
    "Makefile": "train:\n\tpython -m pkg fit $(ARGS)\n",
    "pixi.lock": "version: 6\n" + "- conda: https://conda.anaconda.org/x\n" * 20_000,
}

_NETWORK = '''\
"""U-Net, https://arxiv.org/abs/1505.04597"""

import torch
import torch.nn as nn
import torch.nn.functional as F


class DoubleConv(nn.Module):
    """(convolution => [BN] => ReLU) * 2"""

    def __init__(self, in_channels, out_channels, mid_channels=None):
        super().__init__()
        if not mid_channels:
            mid_channels = out_channels
        self.double_conv = nn.Sequential(
            nn.Conv2d(in_channels, mid_channels, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(mid_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(mid_channels, out_channels, kernel_size=3, padding=1),
        )

    def forward(self, x):
        return self.double_conv(x)


class Up(nn.Module):
    def __init__(self, in_channels, out_channels, bilinear=True):
        super().__init__()
        self.bilinear = bilinear
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        else:
            self.up = nn.ConvTranspose2d(in_channels, in_channels // 2, 2, stride=2)
        self.conv = DoubleConv(in_channels, out_channels)

    def forward(self, x1, x2):
        x1 = self.up(x1)
        # input is CHW
        diffY = x2.size()[2] - x1.size()[2]
        diffX = x2.size()[3] - x1.size()[3]
        x1 = F.pad(x1, [diffX // 2, diffX - diffX // 2, diffY // 2, diffY - diffY // 2])
        # if you have padding issues, see https://github.com/HaiyongJiang/U-Net-Pytorch-Unstructured-Buggy/commit/0e854509c2cea854e247a9c615f175f76fbb2e3a
        return self.conv(torch.cat([x2, x1], dim=1))


def weights_init(m, seed: int = None):
    if type(m) == nn.Conv2d:
        nn.init.kaiming_normal_(m.weight)


registry = {}


class UNet(nn.Module):
    cache = None
    names = []

    def __init__(self, n_channels, n_classes, widths=(64, 128)):
        super(UNet, self).__init__()
        assert n_classes > 0, "nothing to predict"
        self.layers = []
        for l in range(len(widths) - 1):
            self.layers.append(Up(widths[l], widths[l + 1]))
        self.apply(weights_init)

    def forward(self, x):
        outputs = []
        for i, layer in enumerate(self.layers):
            x = layer(x, x)
            outputs.append(x)
        outputs = torch.stack(outputs)
        b, c, h = *outputs.shape[:2], self.cache
        sizes = [0] * 3
        sizes[0] += 0.5
        sizes.append("x")
        if self.cache is None:
            self.cache = {}
        self.cache["last"] = outputs
        return outputs[-1]
'''

_ATTENTION = '''\
import math

import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    """Multi-Head Attention module
    as in "Attention is all you need"
    """

    def __init__(self, n_head, d_model, dropout=0.1):
        super().__init__()
        self.n_head = n_head
        self.w_qs = nn.Linear(d_model, d_model, bias=False)
        self.attn = None
        self.dropout = nn.Dropout(dropout)

    def forward(self, q, k, v, mask=None):
        assert q.dim() == 3
        d_k, n_head = q.size(-1) // self.n_head, self.n_head
        sz_b, len_q, len_k = q.size(0), q.size(1), k.size(1)
        q = self.w_qs(q).view(sz_b, len_q, n_head, d_k).transpose(1, 2)
        scores = torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(d_k)
        if mask is not None:
            scores = scores.masked_fill(mask == 0, -1e9)
        self.attn = self.dropout(torch.softmax(scores, dim=-1))
        out = torch.matmul(self.attn, v)
        return out, self.attn


class PositionalEncoding(nn.Module):
    def __init__(self, d_hid, n_position=200):
        super().__init__()
        angle = lambda pos, i: pos / 10000 ** (2 * (i // 2) / d_hid)
        table = [[angle(p, i) for i in range(d_hid)] for p in range(n_position)]
        table = torch.tensor(table)
        table[:, 0::2] = torch.sin(table[:, 0::2])
        self.register_buffer("pos_table", table)

    def forward(self, x):
        return x + self.pos_table[: x.size(1)]
'''

SOURCES = {
    "src/pkg/unet.py": _NETWORK,
    "src/pkg/attention.py": _ATTENTION,
    "src/pkg/augmentation.py": '''\
"""Random changes of pictures."""

import random

import numpy as np


def augment(image: np.ndarray) -> np.ndarray:
    """Flip a picture, or turn it."""
    if random.random() < 0.5:
        image = image[:, ::-1]
    return np.rot90(image, random.choice([0, 1, 2, 3]))
''',
    "src/pkg/scores.py": '''\
"""Scores of forecasts and of summaries (OT, ALS and ANS among them)."""

import numpy as np
from sklearn.model_selection import train_test_split

OT = "optimal transport"
ALS = "alternating least squares"
ANS = "approximate nearest neighbours"


def score(x, y):
    x_tr, x_te, y_tr, y_te = train_test_split(x, y)
    mape = np.abs((y_te - y_tr.mean()) / y_te).mean()
    rouge, nd, fro = 0.1, x_te.ndim, np.linalg.norm(x_tr, "fro")
    return mape, rouge, nd, fro
''',
    "src/pkg/tokens.py": '''\
"""Special tokens."""

PAD_TOKEN = "<pad>"
MASK_TOKEN = "[MASK]"


def decode(ids, skip_token="<unk>"):
    words = {0: PAD_TOKEN, 1: MASK_TOKEN}
    token = "<s>"
    if token == "</s>":
        return ""
    return " ".join(w for w in map(words.get, ids) if w and w != skip_token)
''',
    "src/pkg/cifar.py": '''\
"""CIFAR-10, as its authors publish it."""

import hashlib
import pickle
import tarfile
import tempfile
from pathlib import Path
from urllib.request import urlretrieve

import numpy as np

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
MD5 = "c58f30108f718f92721af3b95e74349a"


def load(folder=None):
    folder = Path(folder or tempfile.mkdtemp())
    archive = folder / "cifar.tar.gz"
    if not archive.exists():
        urlretrieve(URL, archive)
    if hashlib.md5(archive.read_bytes()).hexdigest() != MD5:
        raise ValueError(f"{archive} is not complete: delete it, and run this again")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    batches = []
    for path in sorted(folder.glob("*/data_batch_*")):
        with open(path, "rb") as f:
            batches.append(pickle.load(f, encoding="bytes"))
    return np.concatenate([batch[b"data"] for batch in batches])
''',
    "src/pkg/losses.py": '''\
"""Losses."""

import torch
import torch.nn.functional as F

# Lin et al., "Focal Loss for Dense Object Detection", https://arxiv.org/abs/1708.02002, equation 5


def focal_loss(logits, targets, gamma=2.0, alpha=None):
    """
    Compute the focal loss.

    :param logits: (N, C)
    :param targets: (N,)
    :return: a number
    """
    log_p = F.log_softmax(logits, dim=-1)
    p_t = log_p.exp().gather(1, targets[:, None]).squeeze(1)
    loss = -((1 - p_t) ** gamma) * log_p.gather(1, targets[:, None]).squeeze(1)
    if alpha is not None:
        loss = loss * torch.tensor(alpha)[targets]
    for (name, value), weight in zip({"a": 1}.items(), [1.0]):
        loss = loss * weight
    return loss.mean()
''',
    "src/pkg/labels_pb2.py": """\
# -*- coding: utf-8 -*-
# Generated by the protocol buffer compiler.  DO NOT EDIT!
import sys
_b=sys.version_info[0]<3 and (lambda x:x) or (lambda x:x.encode('latin1'))
DESCRIPTOR = _b('\\n\\x0clabels.proto')
""",
    "src/pkg/sampling.py": '''\
"""Which examples to label next."""

import os
import subprocess
import warnings

import numpy as np
import requests


def free_memory():
    out = subprocess.check_output(["nvidia-smi", "--query-gpu=memory.free"])
    os.system("nvidia-smi")
    return int(out.split()[-1])


def ask(texts, url="http://0.0.0.0:8080/api"):
    answers = []
    for text in texts:
        try:
            answers.append(requests.post(url, json={"text": text}, timeout=10).json())
        except Exception:
            warnings.warn(f"{text} was left out")
            continue
    return answers


def uncertain(probabilities, k=10):
    p = np.asarray(probabilities)
    entropy = -(p * np.log(p)).sum(axis=1)
    order = entropy.argsort()[::-1]
    best = None
    for i in order[:k]:
        if best == None or entropy[i] > entropy[best]:
            best = i
    return [i for i in order[:k]], best
''',
    "scripts/prepare_data.py": """\
#!/usr/bin/env python
import os
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = ""
sys.path.insert(0, "src")

import pandas as pd
from pkg.unet import *


def main(argv=sys.argv):
    assert len(argv) == 3, "usage: prepare_data.py IN OUT"
    df = pd.read_csv(argv[1])
    df = df[df["valid"] == True]
    print(UNet(3, 2))
    df.to_csv(argv[2], index=False)


if __name__ == "__main__":
    main()
""",
    "experiments/2026-11/plot.py": """\
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

f = lambda x: np.sin(x)
fig, ax = plt.subplots()
x = np.linspace(0, 1)
ax.plot(x, f(x))
fig.savefig("sin.png")
""",
    # Saved from a notebook by nbconvert.
    "notebooks/explore.py": """\
#!/usr/bin/env python
# coding: utf-8

# In[1]:


import pandas as pd

get_ipython().run_line_magic("matplotlib", "inline")


# In[2]:


df = pd.DataFrame({"a": [1]})
df.head()
""",
    "docs/conf.py": """\
import os
import sys

sys.path.insert(0, os.path.abspath("../src"))

project = "paper"
copyright = "2026, the authors"
extensions = ["sphinx.ext.autodoc"]
""",
    "third_party/fid/score.py": """\
import torch, numpy as np
def fid( mu1,sigma1 ):
  '''Frechet distance'''
  l = np.trace( sigma1 )
  return   mu1@mu1+l
""",
    "tests/code/test_text.py": '''\
"""Tests of the text functions."""

import random

EXPECTED = """\\
word  count \\
"""


def shuffled(words):
    words = list(words)
    random.Random(0).shuffle(words)
    return words


def test_words_stay_the_same():
    words = ["recieve", "teh"]
    assert sorted(shuffled(words)) == sorted(words)
    assert EXPECTED.split() == ["word", "count"]
'''.replace(
        "count \\\\\n", "count \n"
    ),
}

SCRIPTS = {
    "cluster/train.sh": """\
#!/bin/bash -l
#SBATCH --job-name=train
#SBATCH --array=0-4
#SBATCH --gres=gpu:1

module purge
module load python/3.11 cuda/12.4
source ~/venvs/paper/bin/activate
cd $SLURM_SUBMIT_DIR

SEED=$SLURM_ARRAY_TASK_ID
export MASTER_ADDR=$(scontrol show hostnames $SLURM_JOB_NODELIST | head -n 1)
srun python -m pkg fit --seed_everything $SEED $@
""",
    "cluster/train.pbs.sh": """\
#!/bin/sh
#PBS -N train
#PBS -l select=1:ncpus=8:ngpus=1
#PBS -j oe
cd $PBS_O_WORKDIR
. /etc/profile.d/modules.sh
NCPUS=`wc -l < $PBS_NODEFILE`
mpirun -np $NCPUS python train.py > log.$PBS_JOBID 2>&1
""",
    "cluster/train.sge.sh": """\
#$ -S /bin/bash
#$ -cwd
#$ -l gpu=1
for lr in 0.1 0.01; do
    python train.py --lr $lr --out results/$lr
done
""",
    # Read by `source`, so it needs no first line.
    "scripts/environment.sh": """\
export DATA=/scratch/$USER/data
export $(grep -v '^#' .env | xargs)
alias t="pytest -x"
""",
    "scripts/sweep.sh": """\
#!/usr/bin/env bash
set -e
for seed in {0..4}; do
  for width in 16 32; do
    python -m pkg fit --seed_everything $seed --model.width $width $@
  done
done
files=$(ls runs/*/record.json)
for f in $files; do cat $f | grep accuracy; done
read answer
if [ $answer == "y" ]; then rm -r runs/old; fi
""",
    "cluster/legacy.csh": "#!/bin/csh\nsetenv DATA /scratch\nforeach s (1 2 3)\n  echo $s\nend\n",
    "docker/Dockerfile": """\
FROM python:3.11-slim
RUN apt-get update && \\
    apt-get install -y libgl1
COPY . /app
ENTRYPOINT ["bash", "docker/entrypoint.sh"]
""",
    "docker/entrypoint.sh": '#!/bin/sh\nset -e\nexec "$@"\n',
}

DOCUMENTS = {
    # Two spaces at the end of a line begin a new one.
    "docs/data_sheet.md": "# Data sheet\n\nOwner: the laboratory  \nLicence: CC BY  \n"
    "Size: 12 GB\n",
    "docs/index.rst": "Results\n=======\n\nMape by region.\n\nMethods\n-------\n\nOT.\n",
    "docs/summary.md": "Results\n=======\n\nALS beats OT; ANS and `te` are left out.\n"
    "ROUGE (`rouge`) and MAPE (`mape`) by region; see Ba et al. and Hart, T. (2020).\n\n"
    "```python\nx_te, ans = split(x)\n```\n",
    "docs/references.bib": "@article{ba, author = {Ba, Jimmy and Fo, Ot and Nd, Te}}\n",
    "docs/paper.tex": "\\section{Results} \nWe recal the ALS of~\\cite{ba}. \n",
    "README.de.md": "# Modell\n\nDas ist alles, was du brauchst, oder? Mit der Hand.\n",
    "docs/usage.rst": "Usage\n=======\n\nCall ``recieve`` of Reacher.\n",
    "CITATION.cff": "cff-version: 1.2.0\ntitle: Paper\nauthors:\n  - family-names: Ba\n",
    "docs/prompt.txt": "You are a labeller. \nAnswer with one word:",
}


def notebook(
    identifiers: list[str],
    indent: int,
    kernel: str,
    name: str = "python3",
    **metadata: str,
) -> str:
    """Return a notebook without outputs."""
    cells = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": identifier,
            "metadata": metadata,
            "outputs": [],
            "source": ["x = 1\n", "x"],
        }
        for identifier in identifiers
    ]
    kernelspec = {"display_name": kernel, "language": "python", "name": name}
    whole = {
        "cells": cells,
        "metadata": {"kernelspec": kernelspec},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, indent=indent, ensure_ascii=False)


WORKFLOWS = {
    ".github/workflows/weekly.yml": """\
name: Weekly
on:
  schedule:
    - cron: "17 3 * * 1"
permissions: {}
jobs:
  report:
    permissions:
      contents: read
    uses: ./.github/workflows/checks.yml
""",
}

NOTEBOOKS = {
    "notebooks/jupyter.ipynb": notebook(["8f1c2d3e", "0a9b8c7d"], 1, "Python 3") + "\n",
    "notebooks/with_a_new_cell.ipynb": notebook(["new", "0", "1"], 1, "venv") + "\n",
    "notebooks/hosted.ipynb": notebook(["iZq8kf9J"], 2, "Python 3", id="iZq8kf9J"),
}

# Pictures and weights.
PICTURE = random.Random(0).randbytes(300_000)  # noqa: S311 a picture, no secret
BINARIES = {
    "docs/overview.png": b"\x89PNG\r\n\x1a\n" + PICTURE,
    "data/sample.npy": b"\x93NUMPY\x01\x00v\x00" + bytes(range(256)),
}

FILES: dict[str, bytes] = {
    **{
        name: text.encode()
        for group in (
            TABLES,
            SETTINGS,
            SOURCES,
            SCRIPTS,
            DOCUMENTS,
            WORKFLOWS,
            NOTEBOOKS,
        )
        for name, text in group.items()
    },
    **BINARIES,
}
