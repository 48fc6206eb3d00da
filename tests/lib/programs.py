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
  - {{id: voucher, each: "{rng.randint(150, 1500)} coins", give: "Voucher", worth: {{EUR: "5.00"}}}}
  - {{id: gift, each: "{rng.randint(50, 400)}.00 EUR spent", give: "Gift"}}
"""
