"""The verbs of a session, a family a file. Each imports what carries it out when it is used: nobody pays for what they do not use."""
