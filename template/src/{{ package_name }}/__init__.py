"""From data to predictions: data, model, training, evaluation, one module each."""
