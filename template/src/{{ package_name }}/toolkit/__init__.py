"""What works for any task: it knows yours only through `task.py`."""
