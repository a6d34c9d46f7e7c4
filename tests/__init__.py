"""What tests share is imported from here: `from tests.fakes.statuses import company`."""
