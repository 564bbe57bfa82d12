"""What a new repo of specs holds, and how it gets into a folder where nothing is ever written over."""
