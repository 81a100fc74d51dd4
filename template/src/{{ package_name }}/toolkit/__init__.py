"""Tools for any task, which they know by its task interface only."""
