"""nginx configurations: read into a tree, and judged for what loses or slows the platform's pushes."""
