"""The command line: words, flags, exit codes, progress. It parses and prints; all work is done by app/.

Standard output is the answer (text, JSON, or Markdown for the plan), standard error is everything else. Nothing heavy is imported
before a command needs it: `--help` and `--version` answer at once.
"""
