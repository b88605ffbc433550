# Completion of berth for fish: the program says what it knows.
berth --dump-completion fish 2>/dev/null | source
