def published(home):
    return []
