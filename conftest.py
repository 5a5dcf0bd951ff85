"""What every test of the repository may use."""

pytest_plugins = ["local.testing", "house.fixtures"]
