"""Who hears of events: the terminal, a webhook, people. Whatever they do changes nothing."""
