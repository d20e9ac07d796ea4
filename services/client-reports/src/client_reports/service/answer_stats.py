"""Answer a statistics query, including what was published and is not counted yet.

Each organization has a share of the connections.
"""

from client_reports.domain.stats import OPEN_GROUPS, SeriesRow, StatsQuery
from client_reports.errors import InvalidQuery
from client_reports.service.app_state import AppState
from client_reports.store.stats import read_stats


async def answer_stats(state: AppState, query: StatsQuery) -> list[SeriesRow]:
    """Return the groups of a query, at most about `groups_max` of the settings.

    If there are more, all but the largest lose their reasons and SDKs and are merged; raise InvalidQuery if there
    are still too many.
    """
    groups_max = state.settings.groups_max
    await state.read_barrier.catch_up()
    async with state.database.connection(share=query.organization_id) as connection:
        rows = await read_stats(connection, query, groups_max=groups_max)
        if len(rows) > groups_max and not OPEN_GROUPS.isdisjoint(query.groups):
            rows = await read_stats(connection, query, groups_max=groups_max, largest=groups_max // 2)
    if len(rows) > groups_max:
        raise InvalidQuery("The query has too many groups. Use fewer groupBy, or filter.")
    return rows
