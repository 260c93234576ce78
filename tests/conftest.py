"""For all tests. pytester is what the tests of the pytest plugin run sessions of their own with."""

pytest_plugins = ["pytester"]
