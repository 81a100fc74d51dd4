"""Reads handwritten digits: data, model, training, evaluation, prediction."""
