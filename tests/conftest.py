"""What holds for all tests: pictures that the browser tests took stay until they are taken again."""

import pytest


@pytest.fixture(scope="session")
def delete_output_dir():
    """Stands in for pytest-playwright's, which empties test-results at the start of every run, of other suites too."""
