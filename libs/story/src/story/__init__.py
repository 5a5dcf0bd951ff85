"""The main job, told through the public API only: what a demo shows and an end-to-end test runs."""
