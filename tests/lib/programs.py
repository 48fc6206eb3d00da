"""Program files that tests apply."""

SHOP = """\
program: shop
version: 1
effective: 2025-01-01T00:00:00Z
zone: Europe/Berlin
points:
  points: {decimals: 0}
money:
  EUR: 2
  USD: 2
  JPY: 0
partners: [bookshop, cafe]
refunds: negative
rules:
  - id: order-points
    on: order.paid
    earn: {rate: {EUR: "1 per 1.00", USD: "3 per 4.00", JPY: "1 per 150"}}
    minimum: {EUR: "10.00"}
    rounding: down
    once_per: order
    reason: "{amount} points for order {subject}"
  - {id: bonus, on: order.paid, earn: {rate: "2 per whole 25.00"}, minimum: {EUR: "50.00", USD: "50.00"}, rounding: half_up}
  - {id: review-points, on: review.approved, earn: {fixed: 50}, once_per: product}
  - {id: share-points, on: share.shared, earn: {fixed: 5}, once_per: content, networks: [x, facebook]}
  - {id: referral-points, on: referral.converted, earn: {fixed: 500}}
  - {id: welcome, on: activity.sign_up, earn: {fixed: 100}, once_per: member}
  - {id: miles, on: activity.miles_walked, earn: {rate: "10 per 1"}}
rewards:
  - {id: note-20, each: "2000 points", give: "Note worth 20", worth: {EUR: "20.00"}}
  - {id: reward-300, each: "300.00 EUR spent", give: "Reward of your choice"}
"""

# The second version doubles what orders earn; refunds of older orders keep the first version's terms.
SHOP_2 = (SHOP.replace("version: 1", "version: 2").replace("effective: 2025-01-01T00:00:00Z", "effective: 2025-06-10T00:00:00Z")
          .replace('EUR: "1 per 1.00"', 'EUR: "2 per 1.00"'))

# Another program of the same deployment: points with two decimals, take-backs that stop at zero.
CLUB = """\
program: club
version: 1
effective: 2025-01-01T00:00:00Z
zone: America/New_York
points:
  stars: {decimals: 2}
money:
  EUR: 2
refunds: clamp
rules:
  - {id: order-stars, on: order.paid, earn: {rate: "1 per 3.00"}, rounding: half_even}
  - {id: visit, on: activity.app_visit, earn: {fixed: 1}}
  - {id: refer, on: referral.converted, earn: {fixed: 10}, to: referrer}
"""

ALL = (SHOP, SHOP_2, CLUB)


# Limits of a rule of a random program, or none.
LIMITS = {
    "first": ("", ", limit: 40 per day", ", limit: [60 per 4 hours, 300 coins per week]"),
    "review": ("", ", limit: 2 times per month"),
    "share": ("", ", limit: 1 time per network and day", ", limit: [2 times per network, 9 per hour]"),
    "friend": ("", ", limit: 600 per quarter"),
    "walk": ("", ", limit: 50 per day", ", limit: 3 times per year"),
    "all": ("", "limits: [{id: most, most: 900 coins in all}]\n",
            "week_begins: sunday\nlimits: [{id: orders, most: 20 times per week, rules: [first, second]}, {id: daily, most: 90 per day}]\n"),
}


def random_program(rng, name: str) -> str:
    """A program of its own terms: rates, roundings, minimums, thresholds, policies."""
    decimals = rng.choice((0, 0, 1, 2, 3))
    rate = f"{rng.choice(('1', '3', '0.5', '2.125', '10'))} per {rng.choice(('', 'whole '))}{rng.choice(('1.00', '3.00', '0.70', '25.00', '12.5'))}"
    second = f"{rng.randint(1, 9)} per {rng.randint(1, 40)}.{rng.randint(0, 9)}"
    minimum = rng.choice(("", ", minimum: {EUR: \"10.00\", USD: \"0.01\"}"))
    once = rng.choice(("", ", once_per: product"))
    caps = {name: rng.choice(choices) for name, choices in LIMITS.items()}
    return f"""\
program: {name}
version: 1
effective: 2025-01-01T00:00:00Z
zone: Asia/Tokyo
points:
  coins: {{decimals: {decimals}}}
  extra: {{decimals: 0}}
money:
  EUR: 2
  USD: 2
partners: [here, there]
refunds: {rng.choice(("negative", "clamp"))}
rules:
  - {{id: first, on: order.paid, earn: {{rate: "{rate}"}}, rounding: {rng.choice(("down", "half_up", "half_even", "up"))}{minimum}{caps['first']}}}
  - {{id: second, on: order.paid, earn: {{rate: {{EUR: "{second}"}}}}, rounding: {rng.choice(("down", "half_up", "half_even", "up"))}}}
  - {{id: third, on: order.paid, earn: {{fixed: {rng.randint(1, 30)}, currency: extra}}, minimum: {{EUR: "{rng.randint(1, 90)}.50"}}}}
  - {{id: review, on: review.approved, earn: {{fixed: {rng.randint(1, 90)}}}{once}{caps['review']}}}
  - {{id: share, on: share.shared, earn: {{fixed: {rng.randint(1, 9)}}}, once_per: content, networks: [{rng.choice(("x, tiktok", "facebook", "other, telegram, x"))}]{caps['share']}}}
  - {{id: friend, on: referral.converted, earn: {{fixed: {rng.randint(50, 500)}}}, to: {rng.choice(("both", "referrer", "referee"))}{caps['friend']}}}
  - {{id: walk, on: activity.miles_walked, earn: {{rate: "{rng.choice(("1 per 3", "10 per 1", "7 per whole 2.5"))}"}}, rounding: {rng.choice(("down", "up", "half_even"))}{caps['walk']}}}
  - {{id: hello, on: activity.sign_up, earn: {{fixed: 25, currency: extra}}, once_per: member}}
{caps['all']}rewards:
  - {{id: voucher, each: "{rng.randint(50, 500)} coins", give: "Voucher", worth: {{EUR: "5.00"}}}}
  - {{id: gift, each: "{rng.randint(50, 400)}.00 EUR spent", give: "Gift"}}
"""


CONDITIONS = (
    "event.total >= 5000",
    "event.lines.exists(l, l.category == 'coffee' && l.quantity > 1)",
    "event.channel == 'app'",
    "'vip' in member.segments",
    "event.occurred_at.getHours(member.zone) < 12",
    "event.coupon != '' || event.shipping == 0",
    "event.lines.all(l, l.unit_price >= 500 && l.discount == 0)",
    "has(member.attributes.size) && int(member.attributes.size) > 3",
    "member.attributes.size == 'large'",
    "event.lines.exists_one(l, l.tax > 300) && event.discount < 1000",
    "event.lines[0].category == 'tea'",
    "event.kind == 'paid' && event.revision < 2 && member.language.startsWith('en')",
    "program.zone != member.zone && event.points_used % 2 == 0",
)
AMOUNTS = (
    "event.total / 1000 * 2",
    "event.total / (event.shipping - 490)",
    "event.lines.filter(l, l.category == 'tea').size() * 7",
    "event.total - 3000",
    "event.channel == 'app' ? event.lines.size() : 1",
)
ROUNDINGS = ("down", "half_up", "half_even", "up")


def random_gate(rng) -> str:
    """When something counts; mostly always."""
    parts = []
    if rng.random() < 0.3:
        parts.append(f"days: [{', '.join(rng.sample(('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'), rng.randint(2, 5)))}]")
    if rng.random() < 0.3:
        parts.append(f"hours: {rng.randint(0, 23):02}:{rng.choice(('00', '20'))}-{rng.randint(0, 23):02}:40")
    if parts and rng.random() < 0.6:
        parts.append("clock: member")
    if rng.random() < 0.15:
        parts.append("from: 2025-06-02")
    if rng.random() < 0.15:
        parts.append("until: 2025-06-20T12:00:00Z")
    if rng.random() < 0.35:
        parts.append(f'when: "{rng.choice(CONDITIONS)}"')
    return "".join(f", {part}" for part in parts)


def random_earn(rng) -> str:
    currency = rng.choice(("", ", currency: extra", ", currency: wallet"))
    form = rng.randrange(6)
    if form == 0:
        return f"rate: {{EUR: {rng.choice(('5%', '2.5%', '1 per 1.00', '3 per 0.70'))}, USD: 1 per whole 3.00}}{currency}"
    if form == 1:
        return f"rate: {rng.choice(('1 per 1.00', '0.5 per whole 2.50', '7 per 3.00'))}{currency}"
    if form == 2:
        return f"per_item: {rng.randint(1, 9)}{currency}"
    if form == 3:
        return f'amount: "{rng.choice(AMOUNTS)}"{currency}'
    return f"fixed: {rng.randint(1, 60)}{currency}"


def random_items(rng) -> str:
    lists = []
    if rng.random() < 0.5:
        lists.append(f"categories: [{', '.join(rng.sample(('tea', 'coffee', 'books'), rng.randint(1, 2)))}]")
    if rng.random() < 0.3:
        lists.append(f"skus: [{', '.join(rng.sample([f'sku-{n}' for n in range(40)], 9))}]")
    if rng.random() < 0.2:
        lists.append("labels: [new]")
    if rng.random() < 0.4 or not lists:
        lists.append("except: {labels: [gift], skus: [sku-1, sku-2]}")
    return f", items: {{{', '.join(lists)}}}"


def random_basis(rng) -> str:
    choices = (("tax", "included"), ("shipping", "included"), ("discounts", "ignored"), ("points_used", "deducted"))
    return f", basis: {{{', '.join(f'{name}: {word}' for name, word in rng.sample(choices, rng.randint(1, 3)))}}}"


def random_order_rule(rng, number: int, nth: bool, lasting: bool) -> str:
    kind = rng.choice(("paid", "paid", "paid", "placed", "shipped", "completed"))
    waits = [wait for wait in ("12 hours", "until shipped", "until completed + 3 days") if kind not in wait]
    parts = f"id: rule-{number}, on: order.{kind}, earn: {{{random_earn(rng)}}}"
    parts += f", rounding: {rng.choice(ROUNDINGS)}" + random_gate(rng)
    parts += random_items(rng) if rng.random() < 0.4 else ""
    parts += random_basis(rng) if rng.random() < 0.4 else ""
    parts += f", minimum: {{EUR: {rng.choice(('10.00', '25.00', '0.01'))}, USD: 12.00}}" if rng.random() < 0.3 else ""
    parts += f", nth_order: {rng.choice(('1', '[1, 3]', '[2, 4, 5]', '2 and later'))}" if nth and rng.random() < 0.25 else ""
    parts += f", limit: {rng.choice(('70 per day', '2 times per week', '[90 per 4 hours, 400 in all]'))}" if lasting and rng.random() < 0.2 else ""
    parts += f", pending: {rng.choice(waits)}" if lasting and rng.random() < 0.2 else ""
    parts += f", expire: {rng.choice(('10 days', '3 days of inactivity', 'never'))}" if lasting and rng.random() < 0.2 else ""
    parts += f", stacking: {rng.choice(('best of a', 'best of a', 'best of b', 'exclusive'))}" if rng.random() < 0.5 else ""
    parts += f", priority: {rng.randint(1, 3)}" if rng.random() < 0.3 and "stacking" in parts else ""
    return f"  - {{{parts}}}\n"


def random_multiplier(rng, number: int, rules: int) -> str:
    which = f", rules: [{', '.join(f'rule-{n}' for n in sorted(rng.sample(range(rules), rng.randint(1, rules))))}]"
    return f"  - {{id: times-{number}, times: {rng.choice(('2', '1.5', '0.3', '1.1'))}{rng.choice(('', which))}{random_gate(rng)}}}\n"


def random_order_program(rng, name: str, version: int = 1, nth: bool = True, lasting: bool = False) -> str:
    """Whatever rules on orders can do, in random company. nth: also rules for the member's nth order; lasting: also limits,
    points that are pending and points that end."""
    rules = rng.randint(3, 9)
    multipliers = "".join(random_multiplier(rng, number, rules) for number in range(rng.randint(1, 3)))
    return f"""\
program: {name}
version: {version}
effective: 2025-0{5 + version}-01
zone: {rng.choice(("Asia/Tokyo", "Europe/Berlin", "America/New_York"))}
points:
  coins: {{worth: {{EUR: 0.01, USD: 0.015}}}}
  extra: {{{"expire: 2 weeks, warn: [3 days]" if lasting else ""}}}
  wallet: {{decimals: 2}}
money: {{EUR: 2, USD: 2}}
partners: [here, there]
refunds: {rng.choice(("negative", "clamp"))}
enrolment: {rng.choice(("first_event", "first_event", "required"))}
rules:
{"".join(random_order_rule(rng, number, nth, lasting) for number in range(rules))}\
  - {{id: review, on: review.approved, earn: {{fixed: 40}}, when: event.photos > 0 && event.length >= 100{rng.choice(("", ", hours: 08:00-20:00, clock: member"))}}}
  - {{id: best-share, on: share.shared, earn: {{fixed: 9}}, stacking: best of share, networks: [x, tiktok]}}
  - {{id: any-share, on: share.shared, earn: {{fixed: 4}}, stacking: best of share}}
  - {{id: friend, on: referral.converted, earn: {{fixed: 100}}, when: "event.referrer != 'member-003'"}}
  - {{id: walk, on: activity.miles_walked, earn: {{rate: 1.5 per mile}}, rounding: half_even}}
  - {{id: visit, on: activity.app_visit, earn: {{amount: event.value / 700 - 10, currency: extra}}}}
multipliers:
{multipliers}\
  - {{id: walkers, times: 1.7, rules: [walk], when: "has(event.attributes.device) && member.consent"}}
rewards:
  - {{id: voucher, each: 900 coins, give: Voucher}}
  - {{id: gift, each: 200.00 EUR spent, give: Gift}}
"""


def with_tiers(rng, program: str) -> str:
    """The program, and levels by whatever its points are called."""
    by, low, high = rng.choice((("spend", "{EUR: 100.00, USD: 70.50}", "{EUR: 400.00}"), ("orders", "2", "5"),
                                ("{earned: coins}", "150", "700")))
    over = rng.choice(("over: lifetime", "over: calendar_year", "over: calendar_year\n  down: one_step",
                       "over: calendar_year\n  grace: 6 weeks", "over: rolling_year", "over: rolling_year\n  grace: 30 days"))
    return f"""{program}\
tiers:
  by: {by}
  {over}
  levels:
{rng.choice(("", "    - {id: base, at: 0, bonus: 3 coins, birthday: {give: Cake, bonus: 11 extra}}" + chr(10)))}\
    - {{id: silver, at: {low}, multiplier: {rng.choice(("1", "1.25", "2"))}, bonus: {rng.choice(("40 coins", "7 extra"))}}}
    - {{id: gold, at: {high}, multiplier: 1.5, birthday: {{give: Larger cake}}}}
"""
