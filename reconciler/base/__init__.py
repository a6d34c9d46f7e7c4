"""The ground floor: clock, units, ids, files, errors, log, secret. No domain word inside."""
